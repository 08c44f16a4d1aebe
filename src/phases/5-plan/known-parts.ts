/**
 * The chains and sets that this compiler may have put into a table, whatever the cluster and the options were: the same
 * functions plan them again, with what the names and rules of the table say about itself.
 */

import { pushTo } from '../../lib/lists.ts';
import { protocols } from '../../net/network.ts';
import type { Chain, Ruleset, SetDeclaration, Statement, StatementOf } from '../../nft/ruleset.ts';
import { ruleKey, targetsOf } from '../../nft/ruleset-parts.ts';
import type { LocalDetector } from '../3-model/model.ts';
import { type AffinityPort, planAffinityPerEndpoint } from './affinity-per-endpoint.ts';
import { planFilterChains } from './base-chains.ts';
import { everyDispatchMap } from './dispatch.ts';
import { planDispatchChain } from './dispatch-chains.ts';
import { firewallSets, planFirewallChains } from './firewall.ts';
import type { AffinityGroup, PlanContext } from './fragment.ts';
import {
  type PerEndpointName,
  readAffinitySetName,
  readDispatchChainName,
  readPerEndpointName,
} from './known-names.ts';
import { type NamedEndpoint, perEndpointPrefixes } from './names.ts';
import { nodePortIps } from './node-ports.ts';
import { planFixedChains, planFixedSets, planVaryingChains } from './plan-ruleset.ts';
import { affinitySet, collectAffinity, pinSets, planPinChains } from './shared-affinity.ts';

/** What a table may consist of, by name. */
export interface KnownParts {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, SetDeclaration>;
  /** The chains that cannot be left out. */
  readonly required: ReadonlySet<string>;
}

type Parts = Pick<Ruleset, 'family' | 'sets' | 'chains'>;

/**
 * Plans the parts of a table again. Of the settings that fit some of its rules, those count that fit most of them. Parts
 * that the compiler cannot have written are left out.
 */
export function planKnownParts(table: Parts): KnownParts {
  const actual = new Map(table.chains.map(({ name, rules }) => [name, new Set(rules.map(ruleKey))]));
  const countFitting = ({ chains }: KnownParts): number => {
    const counts = [...chains.values()].map(
      ({ name, rules }) => rules.filter((rule) => actual.get(name)?.has(ruleKey(rule))).length,
    );
    return counts.reduce((sum, one) => sum + one, 0);
  };
  const telling = { ...table, chains: table.chains.filter(dependsOnSettings) };
  let settings = firstContext(table);
  let best = countFitting(planParts(telling, settings));
  for (const candidates of possibleSettings(telling)) {
    for (const changed of candidates.map((change) => change(settings))) {
      const count = countFitting(planParts(telling, changed));
      if (count > best) {
        settings = changed;
        best = count;
      }
    }
  }
  return planParts(table, settings);
}

/** Whether the rules of a chain may depend on settings. Those that pick one of many endpoints do not. */
function dependsOnSettings({ name }: Chain): boolean {
  const perEndpoint = readPerEndpointName(name);
  return !perEndpoint || perEndpoint.prefix === perEndpointPrefixes.externalChain;
}

type Change = (context: PlanContext) => PlanContext;

function firstContext({ family, chains }: Parts): PlanContext {
  return {
    family,
    mark: 0x4000,
    masqueradeAll: false,
    detector: undefined,
    nodePortAddresses: { kind: 'all' },
    localhostNodePorts: 'untouched',
    primaryAddress: undefined,
    podCIDR: undefined,
    isStray: () => false,
    sharedAffinity: family === 'ip' || !chains.some(({ name }) => readPerEndpointName(name)),
    counters: false,
  };
}

/** For each setting, what the rules may have been written with; which one it is, is decided in this order. */
function possibleSettings({ chains }: Parts): Change[][] {
  const statements = chains.flatMap(({ rules }) => rules.flat());
  const marks = mostFrequent(statements.flatMap((one) => ('mark' in one && isBit(one.mark) ? [one.mark] : [])));
  const detectors = mostFrequent(statements.flatMap(detectorsOf));
  const podCIDRs = mostFrequent(statements.flatMap(destinationsOf));
  const withContext =
    (context: Partial<PlanContext>): Change =>
    (before) => ({ ...before, ...context });
  return [
    marks.map((mark) => withContext({ mark })),
    [
      withContext({ masqueradeAll: true }),
      ...detectors.flatMap((detector) =>
        [false, true].map((masqueradeAll) => withContext({ detector, masqueradeAll })),
      ),
    ],
    [withContext({ nodePortAddresses: { kind: 'listed', addresses: [] } })],
    [withContext({ localhostNodePorts: 'refused' })],
    podCIDRs.map((podCIDR) => withContext({ podCIDR })),
  ];
}

/** How many values are tried for one setting. */
const mostCandidates = 8;

/** Different values, those first that occur most often. */
function mostFrequent<T>(values: readonly T[]): T[] {
  const counts = new Map<string, { readonly value: T; readonly count: number }>();
  for (const value of values) {
    const key = JSON.stringify(value);
    counts.set(key, { value, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const sorted = [...counts.values()].sort((a, b) => b.count - a.count);
  return sorted.slice(0, mostCandidates).map(({ value }) => value);
}

function isBit(mark: number): boolean {
  return Number.isInteger(Math.log2(mark));
}

function detectorsOf(statement: Statement): LocalDetector[] {
  if (!isTextMatch(statement)) {
    return [];
  }
  const { left, right } = statement;
  if (left.kind === 'iifname') {
    const name = right.replace(/\*$/, '');
    // The whole of the longest name is written for a prefix, too.
    return [{ kind: 'interface', name, prefix: name !== right }];
  }
  return left.kind === 'address' && left.field === 'saddr' ? [{ kind: 'source', cidr: right }] : [];
}

function destinationsOf(statement: Statement): string[] {
  const isDestination = isTextMatch(statement) && statement.left.kind === 'address' && statement.left.field === 'daddr';
  return isDestination ? [statement.right] : [];
}

function isTextMatch(statement: Statement): statement is StatementOf<'match'> & { readonly right: string } {
  return statement.kind === 'match' && typeof statement.right === 'string';
}

function planParts(table: Parts, context: PlanContext): KnownParts {
  const names = { chains: table.chains.map(({ name }) => name), sets: table.sets.map(({ name }) => name) };
  const groups = context.sharedAffinity ? groupsOf(names.sets) : [];
  const perEndpoint = context.sharedAffinity ? [] : planPerEndpoint(table, context);
  const firewall = planFirewallChains();
  const hasFirewall =
    firewall.some(({ name }) => names.chains.includes(name)) ||
    firewallSets.some(({ name }) => names.sets.includes(name));
  const hasFilters = planFilterChains().some(({ name }) => names.chains.includes(name));
  const required = [
    ...planFixedChains(context),
    ...planVaryingChains(context, { refusesEndpoints: hasFilters, hasStrays: context.podCIDR === undefined }),
    ...planPinChains(groups, context),
    ...(hasFirewall ? firewall : []),
  ];
  const counting = new Map(table.sets.map(({ name, counter }) => [name, counter]));
  const dispatch = names.chains.flatMap((name) => readDispatchChainName(name) ?? []);
  const chains = [
    ...required,
    ...dispatch.map((chain) => planDispatchChain(chain, context)),
    ...perEndpoint.flatMap(({ affinityChains }) => affinityChains),
  ];
  const sets = [
    ...planFixedSets(context),
    ...everyDispatchMap.filter(({ name, counter }) => counter === counting.get(name)),
    ...firewallSets,
    ...(context.nodePortAddresses.kind === 'listed' ? [nodePortIps] : []),
    ...pinSets(groups),
    ...groups.map(affinitySet),
    ...perEndpoint.flatMap(({ affinitySets }) => affinitySets),
  ];
  return {
    chains: new Map(chains.map((chain) => [chain.name, chain])),
    sets: new Map(sets.map((set) => [set.name, set])),
    required: new Set(required.map(({ name }) => name)),
  };
}

function groupsOf(sets: readonly string[]): AffinityGroup[] {
  return collectAffinity(sets.map(readAffinitySetName));
}

/** Affinity per endpoint, for each service port that chains of the table belong to. */
function planPerEndpoint(table: Parts, context: PlanContext): ReturnType<typeof planAffinityPerEndpoint>[] {
  const byPath = new Map<string, NamedChain[]>();
  for (const chain of table.chains) {
    const name = readPerEndpointName(chain.name);
    if (name) {
      pushTo(byPath, name.path, { chain, name });
    }
  }
  const timeouts = new Map(table.sets.map(({ name, timeoutSeconds }) => [name, timeoutSeconds]));
  return [...byPath.values()].flatMap((chains) => planServicePort(chains, { timeouts, context }));
}

interface NamedChain {
  readonly chain: Chain;
  readonly name: PerEndpointName;
}

function planServicePort(
  chains: readonly NamedChain[],
  { timeouts, context }: { readonly timeouts: ReadonlyMap<string, number | undefined>; readonly context: PlanContext },
): ReturnType<typeof planAffinityPerEndpoint>[] {
  const [
    {
      name: { servicePort, path },
    },
  ] = chains as [NamedChain];
  const protocol = protocols.find((one) => one === servicePort.protocol);
  if (!protocol) {
    return [];
  }
  const endpoints = new Map<string, NamedEndpoint>();
  for (const { chain, name } of chains) {
    if (name.endpoint) {
      endpoints.set(chain.name, { endpointAddress: name.endpoint });
    }
  }
  const chainOf = (prefix: string): Chain | undefined =>
    chains.find(({ chain }) => chain.name === prefix + path)?.chain;
  const pickedBy = (chain: Chain | undefined): NamedEndpoint[] => {
    const statements = chain?.rules.flat() ?? [];
    // The random choice has all of them, in order; where it is gone, pins may still name some.
    const [choice = []] = statements.flatMap((one) => (one.kind === 'random-goto' ? [one.chains] : []));
    const picked = new Set([...choice, ...statements.flatMap(targetsOf)]);
    return [...picked].flatMap((target) => endpoints.get(target) ?? []);
  };
  const external = chainOf(perEndpointPrefixes.externalChain);
  const seconds = [...endpoints.keys()].flatMap(
    (name) => timeouts.get(name.replace(perEndpointPrefixes.endpointChain, perEndpointPrefixes.clientSet)) ?? [],
  );
  const [affinitySeconds = 1] = mostFrequent(seconds);
  const isMarked = external?.rules.some(([first]) => first?.kind === 'set-mark');
  const port: AffinityPort = {
    ...servicePort,
    protocol,
    affinitySeconds,
    externalPolicy: isMarked ? 'Cluster' : 'Local',
  };
  const selection = {
    cluster: pickedBy(chainOf(perEndpointPrefixes.clusterChain)),
    local: pickedBy(chainOf(perEndpointPrefixes.localChain)),
    reachable: [...endpoints.values()],
    exposed: external !== undefined,
    hasEndpoints: true,
  };
  return [planAffinityPerEndpoint(port, selection, context)];
}
