import { pushTo } from '../../lib/lists.ts';
import { rangeOf } from '../../net/address.ts';
import { joinKey, splitKey } from '../../nft/ruleset-parts.ts';
import type { IndexedRuleset } from '../../walk/lookup-tables.ts';
import { isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedEndpoint, ExpectedFrontend } from './expectations.ts';
import {
  allClients,
  type Client,
  describeLiterals,
  edgeClients,
  type Literals,
  markedClients,
  standardClients,
} from './list-clients.ts';
import type { ProbeTarget, WalkCheck } from './walk-check.ts';

/**
 * Sends packets to every frontend that a Service owns: from a pod, the node and an external client, from the edges of
 * source ranges, and from its own endpoints. Beyond these, rules can tell clients of one frontend apart only by their
 * own literals and by marks. So all clients that literals name, and marked ones, are tried only at the first frontend
 * of each way through the rules; two ways are the same if the same literals match the frontend and its endpoints.
 *
 * @param ranges by default those in sets.
 */
export function checkFrontends(
  check: WalkCheck,
  literals: Literals,
  ranges: SourceRanges = readSourceRanges(check.ruleset),
): void {
  const { expectations } = check;
  const standard = standardClients(expectations);
  const all = [...allClients(expectations, literals), ...markedClients(standard, expectations)];
  const literalsAt = describeLiterals(literals);
  const waysSeen = new Set<string>();
  for (const [frontend, targets] of listTargets(expectations)) {
    for (const [index, target] of targets.entries()) {
      const ways = standard.map((client) => check.check(client, target)).join('; ');
      const { service, kind } = frontend;
      const { destination: address, port, protocol } = target;
      const named = new Set([...service.cluster, ...service.local].map(literalsAt));
      const names = `${literalsAt({ address, port })} ${[...named].sort().join(' ')}`;
      const way = [kind, protocol, index > 0, service.hasAny, service.affinitySeconds, names, ways].join('; ');
      const extra = [
        ...guardedClients(
          frontend,
          ranges.get(`${target.destination} . ${target.protocol} . ${target.port}`) ?? [],
          expectations,
        ),
        ...(waysSeen.has(way) ? [] : all),
      ];
      waysSeen.add(way);
      for (const client of extra) {
        check.check(client, target);
      }
    }
  }
}

/** Every frontend with the addresses at which it answers. */
export function listTargets(expectations: Expectations): [ExpectedFrontend, ProbeTarget[]][] {
  const { ips, nodePorts, nodeAddresses, nodePortAddresses } = expectations;
  const atIPs = [...ips.values()].map((frontend): [ExpectedFrontend, ProbeTarget[]] => [
    frontend,
    [{ destination: frontend.address ?? '', protocol: frontend.service.protocol, port: frontend.port }],
  ]);
  const accepting = nodePortAddresses === 'all' ? nodeAddresses : [...nodePortAddresses];
  const atNode = [...nodePorts.values()].map((frontend): [ExpectedFrontend, ProbeTarget[]] => [
    frontend,
    accepting.map((destination) => ({ destination, protocol: frontend.service.protocol, port: frontend.port })),
  ]);
  return [...atIPs, ...atNode];
}

/** Clients at the edges of the ranges that a load balancer IP allows, by its Service and by the rules. */
function guardedClients(
  { kind, service }: ExpectedFrontend,
  found: readonly string[],
  expectations: Expectations,
): Client[] {
  const allowed = kind === 'LoadBalancer' ? (service.allowed ?? []) : [];
  const ranges = [...allowed, ...found.flatMap((text) => rangeOf(text) ?? [])];
  return ranges.length === 0 ? [] : edgeClients(ranges, expectations);
}

/** Ranges of clients by frontend, `10.0.0.1 . tcp . 80`. */
export type SourceRanges = ReadonlyMap<string, readonly string[]>;

/** How many endpoints of each frontend try to reach themselves. */
const hairpinsOfFrontend = 2;

/**
 * Sends packets from endpoints on this node to Services that may send them back: a few for each frontend, if possible
 * endpoints that were not tried yet. That is enough, for one rule serves them all; checkElements compares the whole set
 * of endpoints that it applies to.
 */
export function checkHairpins(check: WalkCheck): void {
  const { expectations } = check;
  const tried = new Set<string>();
  for (const [{ service }, [target]] of listTargets(expectations)) {
    const isHere = ({ address }: ExpectedEndpoint): boolean =>
      expectations.hairpins.has(address) && !isNodeAddress(address, expectations);
    const here = [...service.cluster.filter(isHere), ...service.local.filter(isHere)];
    const untried = here.filter(({ text }) => !tried.has(text));
    const some = target ? [...new Set([...untried, ...here])].slice(0, hairpinsOfFrontend) : [];
    for (const { address, text } of some) {
      tried.add(text);
      for (const inputInterface of interfacesOf(expectations)) {
        check.check({ source: address, inputInterface, words: `endpoint ${text} itself` }, target as ProbeTarget);
      }
    }
  }
}

function interfacesOf({ detector }: Expectations): string[] {
  return detector?.kind === 'interface' ? [detector.name] : ['in0'];
}

/**
 * The source ranges that the rules have, by frontend: those at the end of keys in interval sets,
 * `10.0.0.1 . tcp . 80 . 192.0.2.0/24`.
 */
function readSourceRanges({ sets }: Pick<IndexedRuleset, 'sets'>): SourceRanges {
  const ranges = new Map<string, string[]>();
  for (const { declaration, entries } of sets.values()) {
    if (declaration.flags?.includes('interval') && declaration.key.length > 1) {
      for (const key of entries.keys()) {
        const parts = splitKey(key);
        const frontend = joinKey(parts.slice(0, -1));
        pushTo(ranges, frontend, parts.at(-1) ?? '');
      }
    }
  }
  return ranges;
}
