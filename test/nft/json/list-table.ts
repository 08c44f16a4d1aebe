import type { ListedTable } from '../../../src/nft/listed-table.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { listInKernel } from './list-in-kernel.ts';
import { parseNftJson } from './parse-nft-json.ts';

/** Loads the body of a table `ip svc2nft`, and then commands, and reads the table back. */
export async function listTable(body: string, commands: readonly string[] = []): Promise<ListedTable> {
  const texts = [`table ip svc2nft {\n${body}\n}`, commands.join('\n')];
  const listings = await listInKernel(texts.map((text) => ({ text, tables: ['ip svc2nft'] })));
  return parseNftJson(listings[1]?.[0] ?? '', { family: 'ip', table: 'svc2nft' }, knownNames);
}
