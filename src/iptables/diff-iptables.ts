import type { IptablesRuleset, IptablesTable } from './iptables-ruleset.ts';
import { printIptablesRule } from './print-iptables.ts';

/**
 * The text for `iptables-restore --noflush` that leads from what iptables-save printed to a ruleset: only chains whose rules
 * differ are written, those that are no longer needed are deleted, and jumps from built-in chains are put to the front
 * where they are not. One transaction for each table that changes; empty where nothing does.
 *
 * Rules are compared as text, so with another version of iptables than 1.8, which may print them otherwise, more chains are
 * written than need be.
 *
 * @param saved text of any origin: nothing but names of chains of svc2nft gets from it into the result.
 */
export function diffIptables(saved: string, { family, tables }: IptablesRuleset): string {
  const actual = readSaved(saved);
  const lines = tables.flatMap((table) => diffTable(actual.get(table.name) ?? new Map(), table, family));
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** The rules of each chain, without its name, in order. */
type SavedTable = Map<string, string[]>;

function readSaved(saved: string): ReadonlyMap<string, SavedTable> {
  const tables = new Map<string, SavedTable>();
  let table: SavedTable = new Map();
  for (const line of saved.split('\n')) {
    const [, name, declared, owner, rule] = /^(?:\*(\w+)|:(\S+) .*|-A (\S+) (.*))$/.exec(line) ?? [];
    if (name !== undefined) {
      table = tables.get(name) ?? new Map();
      tables.set(name, table);
    } else if (declared !== undefined) {
      table.set(declared, []);
    } else if (owner !== undefined && rule !== undefined) {
      table.get(owner)?.push(rule);
    }
  }
  return tables;
}

function diffTable(actual: SavedTable, { name, jumps, chains }: IptablesTable, family: 'ip' | 'ip6'): string[] {
  const desired = new Map(
    chains.map((chain) => [chain.name, chain.rules.map((rule) => printIptablesRule(rule, family))]),
  );
  const written = [...desired].filter(([chain, rules]) => actual.get(chain)?.join('\n') !== rules.join('\n'));
  const moved = diffJumps(
    actual,
    jumps.map(({ from, rule }) => [from, printIptablesRule(rule, family)]),
  );
  const isOwn = (chain: string): boolean => /^SVC2NFT-[A-Z0-9-]{1,20}$/.test(chain);
  const gone = [...actual.keys()].filter((chain) => isOwn(chain) && !desired.has(chain));
  const unused = gone.filter((chain) => !isCalledByOthers(chain, actual, isOwn));
  const flushed = gone.filter((chain) => unused.includes(chain) || actual.get(chain)?.length !== 0);
  if (written.length + moved.length + flushed.length === 0) {
    return [];
  }
  return [
    `*${name}`,
    ...[...written.map(([chain]) => chain), ...flushed].map((chain) => `:${chain} - [0:0]`),
    ...moved,
    ...written.flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${rule}`)),
    // Nothing jumps to them any more.
    ...unused.map((chain) => `-X ${chain}`),
    'COMMIT',
  ];
}

/** Whether a rule of somebody else goes to a chain: the kernel does not delete it then, and refuses the transaction. */
function isCalledByOthers(chain: string, actual: SavedTable, isOwn: (chain: string) => boolean): boolean {
  return [...actual].some(
    ([owner, rules]) => !isOwn(owner) && rules.some((rule) => / -[jg] (\S+)/.exec(` ${rule}`)?.[1] === chain),
  );
}

/** For built-in chains that do not begin with their jumps: deletes those that are elsewhere, and inserts all. */
function diffJumps(actual: SavedTable, jumps: readonly (readonly [from: string, rule: string])[]): string[] {
  return [...new Set(jumps.map(([from]) => from))].flatMap((from) => {
    const desired = jumps.filter(([chain]) => chain === from).map(([, rule]) => rule);
    const held = actual.get(from) ?? [];
    const own = held.filter((rule) => desired.includes(rule));
    const isInPlace = own.length === desired.length && desired.every((rule, index) => held[index] === rule);
    return isInPlace
      ? []
      : [
          ...own.map((rule) => `-D ${from} ${rule}`),
          ...desired.map((rule, index) => `-I ${from} ${index + 1} ${rule}`),
        ];
  });
}
