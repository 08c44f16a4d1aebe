import { collectAll } from '../lib/lists.ts';
import { cidrTest } from '../net/address.ts';
import type { EndpointAddress, Family } from '../net/network.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import { elementsIn, splitKey } from '../nft/ruleset-parts.ts';
import type { FrontendKind, NodePortAddresses } from '../phases/3-model/model.ts';
import { planFilterChains } from '../phases/5-plan/base-chains.ts';
import { isKubeProxys, readClusterIPs } from '../phases/5-plan/kube-proxy-names.ts';
import { setNames } from '../phases/5-plan/names.ts';
import { readIptablesName } from '../phases/5-plan-iptables/iptables-names.ts';
import type { Frontend } from './frontend.ts';
import { readServicePortName } from './frontend-address.ts';
import { isNodePort, readFrontends } from './read-frontends.ts';
import { readNodeSettings } from './read-node-settings.ts';

/** Facts in a ruleset beyond its frontends. */
export interface RulesetFacts {
  readonly family: Family;
  /** Undefined for an address that may be a load balancer IP or an external IP: rules show only source ranges. */
  readonly kindOf: (frontend: Frontend) => FrontendKind | undefined;
  /**
   * Whether an endpoint may connect to itself here, and so runs on this node; undefined where the rules do not show it: those of
   * iptables do only at Services with a policy Local.
   */
  readonly isLocal: (endpointAddress: EndpointAddress) => boolean | undefined;
  /**
   * Whether connections that were sent to an endpoint are refused there, because it is at an address that is refused itself:
   * an endpoint written by hand may be the cluster IP of a Service (phases/5-plan/refused-endpoints.ts).
   */
  readonly refuses: (protocol: string, endpointAddress: EndpointAddress) => boolean;
  /** Undefined where the rules do not show it. */
  readonly nodePortAddresses: NodePortAddresses | undefined;
}

/**
 * The facts of a ruleset. The sets of cluster IPs and hairpin connections are indexed on first use.
 *
 * @param localAddresses those of the node, as far as they are known.
 */
export function readRulesetFacts(ruleset: Ruleset, localAddresses: readonly string[] = []): RulesetFacts {
  const owners = once((): ReadonlyMap<string, string | undefined> => {
    const elements = elementsIn(ruleset, setNames.clusterIps);
    return isKubeProxys(ruleset)
      ? readClusterIPs(ruleset)
      : new Map(elements.map(({ key, comment }) => [key, comment]));
  });
  const hairpins = once(
    () => new Set(elementsIn(ruleset, setNames.hairpinConnections).map(({ key }) => splitKey(key)[0])),
  );
  const { nodePortAddresses } = readNodeSettings(ruleset);
  return {
    family: ruleset.family,
    kindOf: (frontend) => kindOf(frontend, owners),
    isLocal: ruleset.language === 'iptables' ? localityTest(ruleset) : ({ address }) => hairpins().has(address),
    refuses: refusalOfEndpoints(
      ruleset,
      nodePortAddresses?.kind === 'listed' ? nodePortAddresses.addresses : localAddresses,
    ),
    nodePortAddresses,
  };
}

/**
 * Those of a list for policy Local are on this node, and other endpoints of the same frontend are not. In rules of svc2nft, those
 * that may be here have a chain.
 */
function localityTest(ruleset: Ruleset): RulesetFacts['isLocal'] {
  const known = once(() => {
    const split = [...readFrontends(ruleset).values()].map(({ policy, all = [], local = [] }) => {
      return { here: local, elsewhere: policy === 'local endpoints, source kept' ? all : [] };
    });
    const own = collectAll(ruleset.chains, ({ name, rules }) => {
      const ends = rules.flatMap((rule) => rule.filter((statement) => statement.kind === 'dnat'));
      const { kind, owner } = readIptablesName(name) ?? {};
      const isPicked = kind === 'cluster' || kind === 'local';
      const mayBeHere = kind === 'endpoint' && owner === 'svc2nft';
      return [{ here: mayBeHere ? ends : [], elsewhere: isPicked ? ends : [] }];
    });
    const addressesOf = (list: 'here' | 'elsewhere'): ReadonlySet<string> =>
      new Set([...split, ...own].flatMap((lists) => lists[list].map(({ address }) => address)));
    return { here: addressesOf('here'), elsewhere: addressesOf('elsewhere') };
  });
  return ({ address }) => known().here.has(address) || (known().elsewhere.has(address) ? false : undefined);
}

/** As the chains that refuse look addresses up, where filter chains send them translated connections (refusals.ts). */
function refusalOfEndpoints(ruleset: Ruleset, nodePortAddresses: readonly string[]): RulesetFacts['refuses'] {
  if (!ruleset.chains.some(({ name }) => filterChains.has(name))) {
    return () => false;
  }
  const keysOf = (set: string): ReadonlySet<string> => new Set(elementsIn(ruleset, set).map(({ key }) => key));
  const [addresses, services, nodePorts] = [
    keysOf(setNames.clusterIps),
    keysOf(setNames.noEndpointServices),
    keysOf(setNames.noEndpointNodePorts),
  ];
  const isInRange = cidrTest(readNodeSettings(ruleset).serviceCIDRs);
  return (protocol, { address, port }) =>
    addresses.has(address) ||
    isInRange(address) ||
    services.has(`${address} . ${protocol} . ${port}`) ||
    (nodePorts.has(`${protocol} . ${port}`) && nodePortAddresses.includes(address));
}

const filterChains: ReadonlySet<string> = new Set(planFilterChains().map(({ name }) => name));

/** A cluster IP may be the external IP of another Service at another port, so its owner has to be the same. */
function kindOf(frontend: Frontend, owners: () => ReadonlyMap<string, string | undefined>): FrontendKind | undefined {
  if (isNodePort(frontend)) {
    return 'NodePort';
  }
  const { address, name, kind, sourceRanges } = frontend;
  if (kind) {
    return kind;
  }
  const { namespace, service } = readServicePortName(name) ?? {};
  if (address?.address !== undefined && owners().get(address.address) === `${namespace}/${service}`) {
    return 'ClusterIP';
  }
  return sourceRanges === null ? undefined : 'LoadBalancer';
}

function once<T>(create: () => T): () => T {
  let created: { readonly value: T } | undefined;
  return () => {
    created ??= { value: create() };
    return created.value;
  };
}
