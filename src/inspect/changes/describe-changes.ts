import { isDeepStrictEqual } from 'node:util';
import { expectUdp, goneFrontends, type UdpExpectations } from '../../conntrack/expect-udp.ts';
import { findStaleEndpoints } from '../../conntrack/stale-flows.ts';
import type { Frontend, ServicePortIdentity } from '../../frontends/frontend.ts';
import { compareFrontends, readFrontends } from '../../frontends/read-frontends.ts';
import { readNodeSettings, type SettingsInRules } from '../../frontends/read-node-settings.ts';
import { pushTo } from '../../lib/lists.ts';
import { compareNames, compareText } from '../../lib/text.ts';
import { sortAddresses } from '../../net/address.ts';
import { type EndpointAddress, endpointText } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { LocalDetector, NodeView } from '../../phases/3-model/model.ts';
import { planFilterChains } from '../../phases/5-plan/base-chains.ts';
import { planFirewallChains } from '../../phases/5-plan/firewall.ts';
import { withoutPodRange } from '../../phases/5-plan/masquerade.ts';
import { type ChainSetting, fixedChains } from '../../phases/5-plan/plan-ruleset.ts';
import type {
  FamilyChanges,
  ServicePortChange,
  ServicePortState,
  SettingChange,
  SettingName,
  StaleUdpFlows,
} from './changes.ts';
import {
  compareServicePort,
  type FrontendPair,
  isComparable,
  type ServicePortSides,
  summarizeFrontend,
  textsOf,
} from './compare-service-port.ts';

/**
 * The differences between two rulesets of one family, in the words of Services. They come from the rulesets alone: service
 * ports are identified by the comments of their elements, endpoints by following the verdicts. So two service ports whose
 * names differ only behind the cut of a comment count as one, with all their frontends.
 *
 * @param before as compiled or as read from the kernel; undefined for no table.
 * @param after like `before`.
 * @param options.view what `after` was compiled from: it shows which endpoints still serve, so that the stale UDP flows are
 *   exactly those that `apply` deletes.
 * @throws TypeError for what is not a ruleset.
 */
export function describeChanges(
  before: Ruleset | undefined,
  after: Ruleset | undefined,
  { view }: { readonly view?: NodeView | undefined } = {},
): FamilyChanges {
  const [old, now] = [readFrontends(before), readFrontends(after)];
  const [oldPorts, nowPorts] = [groupByServicePort(old), groupByServicePort(now)];
  const some = after ?? before;
  return {
    family: some?.family ?? null,
    table: some?.table ?? null,
    tableChange: tableChangeOf(before, after),
    gained: listMissing(nowPorts, oldPorts),
    lost: listMissing(oldPorts, nowPorts),
    changed: listChanged(oldPorts, nowPorts, { old, now }),
    ...compareSettings(before, after),
    staleUdpFlows: listStaleFlows(
      { old, now },
      before && after && view ? staleByView(before, after, view) : staleByRules,
    ),
  };
}

type Frontends = ReadonlyMap<string, Frontend>;

/** The frontends of each service port, sorted, by its name and protocol. */
type ServicePorts = ReadonlyMap<string, readonly [Frontend, ...Frontend[]]>;

function groupByServicePort(frontends: Frontends): ServicePorts {
  const groups = new Map<string, [Frontend, ...Frontend[]]>();
  for (const frontend of frontends.values()) {
    const { owner } = frontend;
    pushTo(groups, owner, frontend);
  }
  for (const group of groups.values()) {
    group.sort(compareFrontends);
  }
  return groups;
}

/** The service ports that the others lack, sorted. */
function listMissing(ports: ServicePorts, others: ServicePorts): ServicePortState[] {
  const missing: ServicePortState[] = [];
  for (const [owner, frontends] of ports) {
    if (!others.has(owner)) {
      missing.push(summarizeServicePort(frontends));
    }
  }
  return missing.sort(compareIdentity);
}

interface Sides {
  readonly old: Frontends;
  readonly now: Frontends;
}

/** The service ports of both sides that differ, sorted. */
function listChanged(oldPorts: ServicePorts, nowPorts: ServicePorts, sides: Sides): ServicePortChange[] {
  const changed: ServicePortChange[] = [];
  for (const [owner, mine] of oldPorts) {
    const theirs = nowPorts.get(owner);
    const change = theirs && compareServicePort(matchFrontends(mine, theirs, sides));
    if (change) {
      changed.push(change);
    }
  }
  return changed.sort(compareIdentity);
}

/** An address that moved from one service port to another is lost here and gained there. */
function matchFrontends(mine: readonly Frontend[], theirs: readonly Frontend[], { old, now }: Sides): ServicePortSides {
  const pairs: FrontendPair[] = [];
  const lost: Frontend[] = [];
  for (const before of mine) {
    const after = now.get(before.key);
    if (after?.owner === before.owner) {
      pairs.push({ before, after });
    } else {
      lost.push(before);
    }
  }
  return { pairs, lost, gained: theirs.filter(({ key, owner }) => old.get(key)?.owner !== owner) };
}

function compareIdentity(a: ServicePortIdentity, b: ServicePortIdentity): number {
  return compareNames(a.name, b.name) || compareText(a.protocol, b.protocol);
}

function tableChangeOf(before: Ruleset | undefined, after: Ruleset | undefined): FamilyChanges['tableChange'] {
  if (before) {
    return after ? 'kept' : 'gone';
  }
  return after ? 'new' : 'absent';
}

const settingNames: readonly SettingName[] = [
  'masquerade mark',
  'masqueraded to cluster IPs',
  'pods',
  'node port addresses',
  'node ports at loopback addresses',
  'service CIDRs',
  'counters',
];

/** The names of the settings that shape chains. */
const chainSettings = {
  mark: 'masquerade mark',
  masqueradeAll: 'masqueraded to cluster IPs',
  detector: 'pods',
  nodePortAddresses: 'node port addresses',
  localhostNodePorts: 'node ports at loopback addresses',
} as const satisfies Readonly<Record<ChainSetting, SettingName>>;

/** The names of chains that a table need not have. */
const optionalChains: readonly string[] = [...planFirewallChains(), ...planFilterChains()].map(({ name }) => name);

/**
 * Settings of the node that differ, and chains that differ for another reason, although the compiler always gives them the
 * same rules. Nothing without both tables.
 */
function compareSettings(
  before: Ruleset | undefined,
  after: Ruleset | undefined,
): Pick<FamilyChanges, 'settings' | 'chains'> {
  if (!before || !after) {
    return { settings: [], chains: [] };
  }
  const [old, now] = [settingTexts(readNodeSettings(before)), settingTexts(readNodeSettings(after))];
  const settings = settingNames.flatMap((setting): SettingChange[] => {
    const [was, is] = [old[setting], now[setting]];
    return was && is && !isDeepStrictEqual(was, is) ? [{ setting, before: was, after: is }] : [];
  });
  const changed = new Set(settings.map(({ setting }) => setting));
  const unexplained = [...fixedChains].filter(
    ([chain, reasons]) =>
      !reasons.some((reason) => changed.has(chainSettings[reason])) && !isSameChain(chain, before, after),
  );
  const others = optionalChains.filter((chain) => isInBoth(chain, before, after) && !isSameChain(chain, before, after));
  return { settings, chains: [...unexplained.map(([chain]) => chain), ...others].sort(compareText) };
}

/** Settings as texts; undefined where the rules do not show them. */
function settingTexts(settings: SettingsInRules): Readonly<Record<SettingName, readonly string[] | undefined>> {
  const { masqueradeMarks, masqueraded, detector, nodePortAddresses, localhostNodePorts } = settings;
  const { serviceCIDRs, counters } = settings;
  return {
    'masquerade mark': masqueradeMarks?.map((mark) => `0x${mark.toString(16).padStart(8, '0')}`),
    'masqueraded to cluster IPs': masqueraded && [masqueraded],
    pods: detector && (detector === 'none' ? [] : [detectorText(detector)]),
    'node port addresses':
      nodePortAddresses?.kind === 'all' ? ['all addresses of the node'] : nodePortAddresses?.addresses,
    'node ports at loopback addresses': localhostNodePorts && [localhostNodePorts],
    'service CIDRs': serviceCIDRs,
    counters: counters && [counters],
  };
}

function detectorText(detector: LocalDetector): string {
  return detector.kind === 'source' ? detector.cidr : `interface ${detector.name}${detector.prefix ? '*' : ''}`;
}

/** One chain varies with endpoints. */
function isSameChain(name: string, before: Ruleset, after: Ruleset): boolean {
  const [old, now] = [before, after].map(({ chains }) => chains.find((chain) => chain.name === name));
  return isDeepStrictEqual(old && withoutPodRange(old), now && withoutPodRange(now));
}

function isInBoth(name: string, ...rulesets: readonly Ruleset[]): boolean {
  return rulesets.every(({ chains }) => chains.some((chain) => chain.name === name));
}

/** The endpoints from which flows to a frontend are stale. */
type StaleEndpoints = (before: Frontend, after: Frontend | undefined) => readonly EndpointAddress[];

/**
 * The UDP frontends with stale flows, each with the endpoints that these go to: a UDP flow keeps its translation for as
 * long as it sends (conntrack), and filters do not see it again. Sorted by frontend.
 */
function listStaleFlows({ old, now }: Sides, staleEndpoints: StaleEndpoints): StaleUdpFlows[] {
  const stale: StaleUdpFlows[] = [];
  const udp = [...old.values()].filter(({ protocol }) => protocol === 'udp');
  for (const frontend of udp.sort(compareFrontends)) {
    const endpoints = staleEndpoints(frontend, now.get(frontend.key));
    if (endpoints.length > 0) {
      stale.push({ frontend: frontend.frontend, endpoints: textsOf(endpoints) });
    }
  }
  return stale;
}

/** As the cleanup of `apply` decides: a flow stays as long as its endpoint serves the frontend. */
function staleByView(before: Ruleset, after: Ruleset, view: NodeView): StaleEndpoints {
  let expectations: UdpExpectations | undefined;
  return (frontend, current) => {
    const { address } = frontend;
    const left = leftEndpoints(frontend, current);
    if (!address || left.length === 0) {
      return [];
    }
    // Only now, because it takes a look at every service port.
    expectations ??= expectUdp(view, goneFrontends(before, after), view.addresses);
    const { address: host, port } = address;
    return findStaleEndpoints(host === undefined ? { nodePort: port } : { address: host, port }, left, expectations);
  };
}

/** A change of traffic policy does not end a flow, so endpoints count only where the policy is the same. */
const staleByRules: StaleEndpoints = (before, after) =>
  leftEndpoints(
    before,
    after,
    scopes.filter((scope) => !after || isComparable({ before, after }, scope)),
  );

const scopes = ['all', 'local'] as const;

/** The endpoints of these lists of a frontend that it no longer has in any list, each once. */
function leftEndpoints(
  before: Frontend,
  after: Frontend | undefined,
  of: readonly (typeof scopes)[number][] = scopes,
): EndpointAddress[] {
  const kept = new Set([...textsOf(after?.all), ...textsOf(after?.local)]);
  const old = of.flatMap((scope) => before[scope] ?? []);
  const left = new Map(old.map((endpointAddress) => [endpointText(endpointAddress), endpointAddress]));
  return [...left].flatMap(([text, endpointAddress]) => (kept.has(text) ? [] : [endpointAddress]));
}

/** A whole service port, of at least one frontend. */
function summarizeServicePort(frontends: readonly [Frontend, ...Frontend[]]): ServicePortState {
  const [{ name, protocol }] = frontends;
  return {
    name,
    protocol,
    frontends: frontends.map(summarizeFrontend),
    endpoints: unionOf(frontends.map(({ all }) => textsOf(all))),
    localEndpoints: unionOf(frontends.map(({ local }) => textsOf(local))),
  };
}

/** They are the same lists for all frontends, unless two service ports have the same name for their length. */
function unionOf(lists: readonly string[][]): string[] {
  return sortAddresses([...new Set(lists.flat())]);
}
