import type { Family } from '../net/network.ts';
import type { IptablesRuleset, IptablesTable } from './iptables-ruleset.ts';
import { jumpComment, printIptablesRule } from './print-iptables.ts';
import { type ChainTexts, isOwnChain, type SavedRules } from './saved-rules.ts';

/** What leads from saved rules to a ruleset: the tables that differ, each of which is one transaction. */
export interface IptablesDifference {
  readonly family: Family;
  readonly tables: readonly TableDifference[];
}

/** What changes in one table. Everything not named stays as it is. */
interface TableDifference {
  readonly name: IptablesTable['name'];
  /** Chains that get other rules, or are created, as they are afterward. */
  readonly written: readonly ChainDifference[];
  /** Deletions (`-D`) and insertions (`-I`) of jumps in built-in chains, in this order. */
  readonly jumps: readonly string[];
  /** Chains that are no longer needed, but stay because a rule of others goes to them: they lose their rules. */
  readonly emptied: readonly string[];
  /** Chains that are no longer needed. */
  readonly deleted: readonly string[];
}

/** A chain that is written. Rules are texts without the name of the chain. */
interface ChainDifference {
  readonly name: string;
  readonly rules: readonly string[];
  /** Those that it had; undefined for a new chain. */
  readonly before: readonly string[] | undefined;
}

/**
 * What leads from saved rules to a ruleset: only chains whose rules differ are written, those that are no longer needed are
 * deleted, and jumps from built-in chains are put to the front where they are not. An empty ruleset removes everything that
 * belongs to svc2nft, and nothing else.
 *
 * Rules are compared as text, so with another version of iptables than 1.8, which may print them otherwise, more chains are
 * written than need be.
 *
 * @param actual rules of any origin: nothing but names of chains of svc2nft, and jumps to these, gets from it into the result.
 */
export function diffIptables(actual: SavedRules, { family, tables }: IptablesRuleset): IptablesDifference {
  return {
    family,
    tables: tables.flatMap((table) => diffTable(actual.get(table.name) ?? new Map(), table, family)),
  };
}

/** The ruleset without anything: its difference removes all that svc2nft has. */
export function emptyIptables(family: Family): IptablesRuleset {
  const nothing = { jumps: [], chains: [] };
  return {
    family,
    tables: [
      { name: 'filter', ...nothing },
      { name: 'nat', ...nothing },
    ],
  };
}

/** The text for `iptables-restore --noflush`, a transaction for each table; empty where nothing differs. */
export function printDifference({ tables }: Pick<IptablesDifference, 'tables'>): string {
  const lines = tables.flatMap(({ name, written, jumps, emptied, deleted }) => [
    `*${name}`,
    // With --noflush, a chain is created, or flushed if it exists.
    ...[...written.map((chain) => chain.name), ...emptied, ...deleted].map((chain) => `:${chain} - [0:0]`),
    ...jumps,
    ...written.flatMap((chain) => chain.rules.map((rule) => `-A ${chain.name} ${rule}`)),
    // Nothing jumps to them any more.
    ...deleted.map((chain) => `-X ${chain}`),
    'COMMIT',
  ]);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function diffTable(actual: ChainTexts, { name, jumps, chains }: IptablesTable, family: Family): TableDifference[] {
  const desired = new Map(
    chains.map((chain) => [chain.name, chain.rules.map((rule) => printIptablesRule(rule, family))]),
  );
  const written = [...desired].flatMap(([chain, rules]) => {
    const before = actual.get(chain);
    return before?.join('\n') === rules.join('\n') ? [] : [{ name: chain, rules, before }];
  });
  const moved = diffJumps(
    actual,
    jumps.map(({ from, rule }) => [from, printIptablesRule(rule, family)]),
  );
  const gone = [...actual.keys()].filter((chain) => isOwnChain(chain) && !desired.has(chain));
  const needed = chainsCalledByOthers(actual);
  const deleted = gone.filter((chain) => !needed.has(chain));
  const emptied = gone.filter((chain) => needed.has(chain) && actual.get(chain)?.length !== 0);
  return written.length + moved.length + deleted.length + emptied.length === 0
    ? []
    : [{ name, written, jumps: moved, emptied, deleted }];
}

/**
 * Where rules of somebody else go: the kernel does not delete such a chain, and refuses the transaction. A comment may look like a
 * jump, which keeps one chain more.
 */
function chainsCalledByOthers(actual: ChainTexts): ReadonlySet<string> {
  const others = [...actual].filter(([owner]) => !isOwnChain(owner));
  const rules = others.flatMap(([owner, held]) => held.filter((rule) => !isOwnJump(owner, rule)));
  return new Set(rules.flatMap((rule) => [...` ${rule}`.matchAll(/ -[jg] (\S+)/g)].map(([, chain = '']) => chain)));
}

/** The chains that the kernel calls. */
const builtInChains: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

/** A rule in the words of svc2nft, of this version or another one, that can be written in a line of its own. */
const ownJump = new RegExp(`^[A-Za-z0-9 !"/.,:_-]*--comment "${jumpComment}" -j SVC2NFT-[A-Z0-9-]{1,20}$`);

function isOwnJump(chain: string, rule: string): boolean {
  return builtInChains.has(chain) && ownJump.test(rule);
}

/** For built-in chains that do not begin with their jumps, or have others: deletes those that are there, and inserts all. */
function diffJumps(actual: ChainTexts, jumps: readonly (readonly [from: string, rule: string])[]): string[] {
  return [...builtInChains].flatMap((from) => {
    const desired = jumps.filter(([chain]) => chain === from).map(([, rule]) => rule);
    const held = actual.get(from) ?? [];
    const own = held.filter((rule) => isOwnJump(from, rule));
    const isInPlace = own.length === desired.length && desired.every((rule, index) => held[index] === rule);
    return isInPlace
      ? []
      : [
          ...own.map((rule) => `-D ${from} ${rule}`),
          ...desired.map((rule, index) => `-I ${from} ${index + 1} ${rule}`),
        ];
  });
}
