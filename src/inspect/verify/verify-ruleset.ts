import type { Family } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { UnknownRule } from '../../walk/check-ruleset.ts';
import { indexRuleset } from '../../walk/index-ruleset.ts';
import { checkElements } from './check-elements.ts';
import { checkFrontends, checkHairpins } from './check-frontends.ts';
import { checkRules } from './check-rules.ts';
import { checkStructure } from './check-structure.ts';
import { checkSurroundings } from './check-surroundings.ts';
import type { Difference } from './compare-fate.ts';
import type { Expectations, ExpectedService } from './expectations.ts';
import { clientKinds, readLiterals } from './list-clients.ts';
import { createWalkCheck } from './walk-check.ts';

/** Where a ruleset comes from. */
export interface VerifyOptions {
  /** Read from the kernel or a file: such a table may keep idle chains. */
  readonly isInstalled: boolean;
  /** What a listing has that is not in the ruleset, as nobody understands it. */
  readonly deviations?: readonly string[];
}

/**
 * Checks that a ruleset does exactly what it should: every packet that a Service may get has the right fate, with equal
 * shares, and nothing in the ruleset serves anything else. Pure; no part of the compiler is asked.
 */
export function verifyRuleset(ruleset: Ruleset, given: Expectations, options: VerifyOptions): Verification {
  const expectations = withSpareAddress(given);
  const { family, table } = ruleset;
  const sizes = { family, table, ...countExpected(expectations) };
  const odd = (options.deviations ?? []).map((message): Fault => ({ code: 'not-understood', message }));
  try {
    const indexed = indexRuleset(ruleset);
    const check = createWalkCheck(indexed, expectations);
    const literals = readLiterals(ruleset);
    checkFrontends(check, literals);
    checkHairpins(check);
    checkSurroundings(check, literals);
    checkElements(check);
    const structure = checkStructure(indexed, { ...options, losers: expectations.losers });
    const faults = [...odd, ...check.faults.list(), ...structure, ...checkRules(indexed, expectations)];
    return { ...sizes, packets: check.packets(), faults };
  } catch (error) {
    if (!(error instanceof UnknownRule)) {
      throw error;
    }
    return { ...sizes, packets: 0, faults: [...odd, { code: 'not-understood', message: error.message }] };
  }
}

/** The table is missing: a fault only where somebody needs it. */
export function verifyMissingTable(expectations: Expectations, table: string): Verification {
  const { family } = expectations;
  const { frontends, endpoints } = countExpected(expectations);
  const message = `there is no table ${family} ${table}`;
  const faults: Fault[] = frontends > 0 ? [{ code: 'missing-table', message }] : [];
  return { family, table, frontends, endpoints, packets: 0, faults };
}

const spareAddresses = {
  ip: ['192.0.2.254', '198.51.100.254', '203.0.113.254'],
  ip6: ['2001:db8:fffe::fe', '2001:db8:fffd::fe', '2001:db8:fffc::fe'],
} as const;

/** Node ports that are open at all addresses of a node are tried at one more than are known: no list of addresses will do. */
function withSpareAddress(expectations: Expectations): Expectations {
  const { nodeAddresses, nodePortAddresses, family, ips } = expectations;
  if (nodePortAddresses !== 'all') {
    return expectations;
  }
  const taken = new Set([...ips.values()].flatMap(({ address, service }) => [address, ...addressesOf(service)]));
  const spare = spareAddresses[family].find((address) => !taken.has(address) && !nodeAddresses.includes(address));
  return { ...expectations, nodeAddresses: [...nodeAddresses, ...(spare === undefined ? [] : [spare])] };
}

function addressesOf({ cluster, local }: ExpectedService): string[] {
  return [...cluster, ...local].map(({ address }) => address);
}

function countExpected({ ips, nodePorts }: Expectations): Pick<Verification, 'frontends' | 'endpoints'> {
  const endpointAddresses = new Set<string>();
  for (const { service } of [...ips.values(), ...nodePorts.values()]) {
    for (const { text } of [...service.cluster, ...service.local]) {
      endpointAddresses.add(`${service.protocol} ${text}`);
    }
  }
  return { frontends: ips.size + nodePorts.size, endpoints: endpointAddresses.size };
}

/** Where a fault is: the Service's label and the frontend, as far as it concerns any. */
export type FaultPlace = Pick<Fault, 'service' | 'frontend'>;

/** Gathers faults; what is wrong in one way for several kinds of clients is one fault. */
export interface FaultCollector {
  readonly add: (fault: Fault) => void;
  readonly addDifference: (place: FaultPlace, difference: Difference, client: string) => void;
  /** Whether anything is wrong there so far. */
  readonly concerns: (place: FaultPlace) => boolean;
  /** All faults, in the order in which their first one came. */
  readonly list: () => Fault[];
}

interface Group {
  readonly place: FaultPlace;
  readonly difference: Difference;
  readonly clients: Set<string>;
}

/** A collector without faults. */
export function createFaultCollector(): FaultCollector {
  const entries = new Map<string, Fault | Group>();
  const places = new Set<string>();
  return {
    add: (fault) => {
      entries.set(JSON.stringify(fault), fault);
    },
    addDifference: (place, difference, client) => {
      const key = JSON.stringify([place, difference]);
      places.add(placeText(place));
      const known = entries.get(key);
      if (known && 'clients' in known) {
        known.clients.add(client);
      } else {
        entries.set(key, { place, difference, clients: new Set([client]) });
      }
    },
    concerns: (place) => places.has(placeText(place)),
    list: () => [...entries.values()].map((entry) => ('clients' in entry ? faultOf(entry) : entry)),
  };
}

function placeText({ service, frontend }: FaultPlace): string {
  return JSON.stringify([service, frontend]);
}

const shownClients = 3;

/** Kinds of clients by name; single addresses only where no kind is concerned as a whole. */
function faultOf({ place, difference: { code, before, after }, clients }: Group): Fault {
  const kinds = clientKinds.filter((kind) => clients.has(kind));
  const names = kinds.length > 0 ? kinds : [...clients];
  const shown = names.slice(0, shownClients);
  const others = names.length - shown.length;
  const last = others > 0 ? `${others} more` : shown.pop();
  const words = shown.length > 0 ? `${shown.join(', ')} and ${last}` : String(last);
  return { code, ...place, message: `${before}${words}${after}` };
}

/** Kinds of faults; programs may rely on these words. */
export type FaultCode =
  /** There is no table, though the snapshot asks for something in its family. */
  | 'missing-table'
  /** Something in the table that is not understood, or that the kernel would refuse. */
  | 'not-understood'
  /** Connections are refused, dropped or let through that should have another fate. */
  | 'wrong-verdict'
  /** They reach an endpoint that they should not, or not one that they should. */
  | 'wrong-endpoint'
  | 'unequal-shares'
  /** The source is rewritten where it should stay, or the other way round. */
  | 'wrong-source'
  /** The mark of others is lost, or ours is left on what leaves the node. */
  | 'wrong-mark'
  /** A client does not keep its endpoint, or keeps it without need, or for another time. */
  | 'wrong-affinity'
  /** A frontend that no Service has. */
  | 'extra-frontend'
  /** An element that no packet of a Service needs. */
  | 'extra-element'
  | 'missing-element'
  /** A chain or set that nothing leads to. */
  | 'dangling-chain'
  | 'dangling-set'
  /** A base chain in the wrong place, one too many, or one that is missing. */
  | 'wrong-hook'
  /** A rule behind one that ends its chain. */
  | 'unreachable-rule'
  /** A rule that asks about connections which are under way. */
  | 'wrong-state'
  /** An element that names another Service than its own. */
  | 'wrong-comment';

/** One thing that is wrong. */
export interface Fault {
  readonly code: FaultCode;
  /** `shop/web:http`; absent where it concerns none. */
  readonly service?: string;
  /** `10.96.0.10:80/tcp` or `node port 30080/tcp`; absent where it concerns none. */
  readonly frontend?: string;
  /** What is wrong, in one line; texts of the ruleset in it are as they were found, so a terminal needs them escaped. */
  readonly message: string;
}

/** One table, checked. */
export interface Verification {
  readonly family: Family;
  readonly table: string;
  /** Addresses with a port and node ports that Services own. */
  readonly frontends: number;
  /** Different endpoint addresses behind them. */
  readonly endpoints: number;
  /** How many packets were walked through the ruleset. */
  readonly packets: number;
  readonly faults: readonly Fault[];
}
