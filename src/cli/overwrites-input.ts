import { realpath } from 'node:fs/promises';
import { escapeControls } from '../escape-controls.ts';
import type { Document } from '../phases/1-read/document.ts';
import type { Streams } from './streams.ts';

/** All that a command has read. */
interface Input {
  readonly paths: readonly string[];
  /** What --config names. */
  readonly config: string | undefined;
  /** They know the files that were found in folders. */
  readonly documents: readonly Document[];
}

/** Whether an output file is one of those that were read, under whatever name. Says so. */
export async function overwritesInput(
  output: string | undefined,
  { paths, config, documents }: Input,
  { stderr }: Pick<Streams, 'stderr'>,
): Promise<boolean> {
  const target = output === undefined || output === '-' ? undefined : await realPathOf(output);
  if (output === undefined || target === undefined || isDevice(target)) {
    return false;
  }
  const files = new Set([...paths, ...(config === undefined ? [] : [config]), ...filesOf(documents)]);
  for (const file of files) {
    if (file !== '-' && (await realPathOf(file)) === target) {
      const also = file === output ? '' : ` (as ${file})`;
      stderr.write(`error: ${escapeControls(`${output} is part of the input${also}`)}; name another file to write\n`);
      return true;
    }
  }
  return false;
}

/** Undefined where nothing is. */
async function realPathOf(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

/** Input and output may be the same terminal. */
function isDevice(path: string): boolean {
  return /^\/(dev|proc)\//.test(path);
}

function filesOf(documents: readonly Document[]): Set<string> {
  return new Set(documents.map(({ source }) => source.file));
}
