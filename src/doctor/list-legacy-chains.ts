import type { ProgramResult, RunProgram } from '../apply/run-program.ts';
import type { ChainFact, Facts, UnreadTables } from './facts.ts';
import { readSavedChains } from './read-chains.ts';

/** What can be known of the old iptables. */
export interface LegacyChains {
  readonly chains: readonly ChainFact[];
  /** Tables whose chains count in the kernel, but could not be listed. */
  readonly unread: readonly UnreadTables[];
}

/** Lists the chains of the old iptables. Where a table is not in use the program would load its module, so it is not asked. */
export async function listLegacyChains(run: RunProgram, files: Facts['files']): Promise<LegacyChains> {
  const chains: ChainFact[] = [];
  const unread: UnreadTables[] = [];
  for (const { family, program, names } of familiesOf(files)) {
    const tables = ['nat', 'filter'].filter((table) => names.split('\n').includes(table));
    const saves = tables.length === 0 ? undefined : await findSave(run, program);
    const refused: string[] = [];
    for (const table of tables) {
      const result = await saves?.(table);
      if (result?.exitCode !== 0) {
        refused.push(table);
        continue;
      }
      for (const chain of readSavedChains(result.stdout, family, table)) {
        chains.push(chain);
      }
    }
    if (refused.length > 0) {
      unread.push({ program, tables: refused });
    }
  }
  return { chains, unread };
}

interface LegacyFamily {
  readonly family: 'ip' | 'ip6';
  readonly program: UnreadTables['program'];
  /** The tables in use, a line for each. */
  readonly names: string;
}

function familiesOf({ legacyTables = '', legacyTables6 = '' }: Facts['files']): readonly LegacyFamily[] {
  return [
    { family: 'ip', program: 'iptables', names: legacyTables },
    { family: 'ip6', program: 'ip6tables', names: legacyTables6 },
  ];
}

type Save = (table: string) => Promise<ProgramResult>;

/**
 * Whether `iptables-save` is that of the old iptables, its version tells: `iptables-save v1.8.9 (legacy)`. That of
 * Fedora and its kin is `(nf_tables)`, and prints what nft has listed already.
 */
async function findSave(run: RunProgram, program: UnreadTables['program']): Promise<Save | undefined> {
  for (const name of [`${program}-legacy-save`, `${program}-save`] as const) {
    const { exitCode, stdout } = await run(name, ['--version']);
    if (exitCode === 0 && (name.includes('-legacy-') || stdout.includes('(legacy)'))) {
      return (table) => run(name, ['-t', table]);
    }
  }
  return undefined;
}
