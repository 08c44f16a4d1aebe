/** What iptables-save prints, as far as svc2nft compares it: chains and the texts of their rules. */

import type { ListedTable } from '../nft/listed-table.ts';
import type { IptablesRuleset } from './iptables-ruleset.ts';
import { printIptablesRule } from './print-iptables.ts';

/** The rules of each chain, without its name, in order. */
export type ChainTexts = ReadonlyMap<string, readonly string[]>;

/** The tables by their names. */
export type SavedRules = ReadonlyMap<string, ChainTexts>;

/** Reads what iptables-save or ip6tables-save printed. What is not a table, chain or rule is passed over. */
export function readSavedRules(saved: string): SavedRules {
  const tables = new Map<string, Map<string, string[]>>();
  let table = new Map<string, string[]>();
  for (const line of saved.split('\n')) {
    const [, name, declared, owner, rule] = /^(?:\*(\w+)|:(\S+) .*|-A (\S+) (.*))$/.exec(line) ?? [];
    if (name !== undefined) {
      table = tables.get(name) ?? new Map<string, string[]>();
      tables.set(name, table);
    } else if (declared !== undefined) {
      table.set(declared, []);
    } else if (owner !== undefined && rule !== undefined) {
      table.get(owner)?.push(rule);
    }
  }
  return tables;
}

/** What iptables-save would print of a ruleset, if nothing else were there. */
export function savedRulesOf({ family, tables }: IptablesRuleset): SavedRules {
  return new Map(
    tables.map(({ name, jumps, chains }) => {
      const table = new Map<string, string[]>();
      for (const { from, rule } of jumps) {
        table.set(from, [...(table.get(from) ?? []), printIptablesRule(rule, family)]);
      }
      for (const chain of chains) {
        table.set(
          chain.name,
          chain.rules.map((rule) => printIptablesRule(rule, family)),
        );
      }
      return [name, table];
    }),
  );
}

/** The rules that were read for the walker, as iptables-save prints them. */
export function savedRulesIn({ ruleset: { chains } }: ListedTable): SavedRules {
  const tables = new Map<string, Map<string, string[]>>();
  for (const { name, lines = [] } of chains) {
    const [table = '', chain = ''] = name.split(' ');
    const start = `-A ${chain} `;
    const rules = lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
    tables.set(table, (tables.get(table) ?? new Map()).set(chain, rules));
  }
  return tables;
}

/** Whether a chain has a name that svc2nft gives. */
export function isOwnChain(chain: string): boolean {
  return /^SVC2NFT-[A-Z0-9-]{1,20}$/.test(chain);
}

/** Whether there is a chain of svc2nft. */
export function hasOwnChains(saved: SavedRules): boolean {
  return [...saved.values()].some((table) => [...table.keys()].some(isOwnChain));
}

/** What the rules of svc2nft do at one address and port, or node port. */
export interface SavedFrontend {
  /** `namespace/name`. */
  readonly service: string;
  /** Undefined for a node port. */
  readonly address: string | undefined;
  readonly protocol: string;
  readonly port: number;
  /** Whether clients are sent to endpoints. */
  readonly hasEndpoints: boolean;
}

/** `-d 10.96.0.10/32 -p tcp -m tcp --dport 80 -m comment --comment "shop/cart:http cluster IP" -g SVC2NFT-SVC-X` */
const frontendRule =
  /^(?:-d ([0-9a-f.:]+)\/\d+ )?-p (\w+) -m \w+ --dport (\d+) -m comment --comment "([^" :]+)(?::\S+)? [^"]+" (?:(-g SVC2NFT-)|-j (?:DROP|REJECT))/;

/** The frontends that rules of svc2nft serve or refuse; one may come more than once. */
export function readSavedFrontends(saved: SavedRules): SavedFrontend[] {
  return [...saved.values()].flatMap((table) =>
    [...table].flatMap(([chain, rules]) => (isOwnChain(chain) ? rules.flatMap(readFrontendRule) : [])),
  );
}

function readFrontendRule(rule: string): SavedFrontend[] {
  const [, address, protocol, port, service, served] = frontendRule.exec(rule) ?? [];
  return protocol === undefined || service === undefined
    ? []
    : [{ service, address, protocol, port: Number(port), hasEndpoints: served !== undefined }];
}

/** The ranges whose packets are dropped where no Service has the address. */
export function readSavedServiceRanges(saved: SavedRules): string[] {
  const rules = saved.get('filter')?.get('SVC2NFT-SERVICES') ?? [];
  return rules.flatMap((rule) => /^-d (\S+) -m comment --comment "no Service" -j DROP$/.exec(rule)?.[1] ?? []);
}
