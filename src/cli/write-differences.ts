import { renderTransaction } from '../diff/render-transaction.ts';
import { describeTable, type TableChange } from './describe-table.ts';
import { renderTable } from './render-table.ts';
import { type Streams, wantsColour } from './streams.ts';
import { writeOutput } from './write-output.ts';

/** How differences are printed. */
export interface WriteDifferencesOptions {
  readonly output: 'text' | 'nft' | 'json';
  /** The snapshot that was compared with, and not the kernel. */
  readonly from?: string;
}

/** Prints differences in one of the formats; nothing, in text and nft, when there is none. */
export async function writeDifferences(
  changes: readonly TableChange[],
  options: WriteDifferencesOptions,
  streams: Streams,
): Promise<void> {
  const texts = { text: textOf, nft: nftOf, json: jsonOf };
  await writeOutput(texts[options.output](changes, options, streams), undefined, streams);
}

function textOf(changes: readonly TableChange[], { from }: WriteDifferencesOptions, streams: Streams): string {
  const options = { would: from === undefined, colour: wantsColour(streams, 'stdout'), limit: 1_000 };
  return changes
    .filter(({ result }) => result !== 'unchanged')
    .flatMap((change) => renderTable(change, options))
    .map((line) => `${line}\n`)
    .join('');
}

function nftOf(changes: readonly TableChange[]): string {
  return changes.map(renderTransaction).join('');
}

function jsonOf(changes: readonly TableChange[]): string {
  const families = changes.map((change) => {
    const { changes: described, findings } = describeTable(change);
    const { result, commands } = change;
    return { ...described, result, commands: commands.length, findings };
  });
  return `${JSON.stringify({ families }, undefined, 2)}\n`;
}
