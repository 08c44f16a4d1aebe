import { printByNft } from '../../support/run-nft.ts';

/** A text for nft, and the tables that are then looked at, each as `FAMILY NAME`. */
export interface Load {
  readonly text: string;
  readonly tables: readonly string[];
}

/**
 * Loads texts one after the other with nft in a network namespace of its own.
 *
 * @returns for each load what `nft -j list table` then prints for each of its tables.
 */
export async function listInKernel(loads: readonly Load[]): Promise<string[][]> {
  const commands = loads.map(({ text, tables }) => [
    { text },
    ...tables.map((table) => ({ text: `list table ${table}`, flags: 'j' })),
  ]);
  const printed = await printByNft(commands.flat());
  return commands.map(({ length }) => printed.splice(0, length).slice(1));
}
