/**
 * The iptables rules of one family, from the service ports and their selected endpoints: what kube-proxy's iptables mode
 * does. docs/iptables.md has the layout, and where it differs.
 */

import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type {
  BuiltInJump,
  IptablesChain,
  IptablesMatch,
  IptablesRule,
  IptablesRuleset,
  IptablesTarget,
} from '../../iptables/iptables-ruleset.ts';
import { jumpComment } from '../../iptables/print-iptables.ts';
import type { Service } from '../../kubernetes/objects.ts';
import { healthCheckPort } from '../../kubernetes/services.ts';
import { collectAll, pushTo } from '../../lib/lists.ts';
import { cidrTest, smallestRange } from '../../net/address.ts';
import type { CompileOptions } from '../../options.ts';
import type { NodeView, ServicePort } from '../3-model/model.ts';
import type { RefusalVerdict, SelectedView, Selection } from '../4-select/select-endpoints.ts';
import { type BareClaim, describeConflict, resolveClaims } from '../5-plan/claims.ts';
import { allowedSources } from '../5-plan/firewall.ts';
import { strayTest } from '../5-plan/masquerade.ts';
import { displayName, frontendKindText } from '../5-plan/names.ts';
import { branchByAddress, branchByPort } from './branch-rules.ts';
import { fixedChainNames, serviceChainNames } from './iptables-names.ts';
import { answeringLoopback, loopbackGuard } from './loopback.ts';
import {
  entryChainOf,
  type HeldFrontend,
  type IptablesContext,
  planServiceChains,
  type ServedPort,
} from './plan-service-chains.ts';

/**
 * The rules of both tables. Of service ports that want one address, the one gets it that gets it in the nftables ruleset;
 * there is a warning for each of the others.
 */
export function planIptables(
  { view, ports }: SelectedView,
  options: CompileOptions,
): { ruleset: IptablesRuleset; diagnostics: Diagnostic[] } {
  const context: IptablesContext = {
    family: view.family,
    mark: 2 ** options.masqueradeBit,
    masqueradeAll: options.masqueradeAll,
    loopback: answeringLoopback(view.family, options),
    detector: view.detector,
    nodePortAddresses: view.nodePortAddresses,
    primaryAddress: view.primaryAddress,
    mayBeHere: hereTest({ view, ports }, options),
  };
  const { held, lost } = resolveClaims(
    collectAll(ports, ({ servicePort, selection }) => claimsOf(servicePort, selection)),
  );
  const frontends = frontendsOf(held);
  const planned = ports.map(({ servicePort, selection }): ServedPort => {
    return {
      servicePort,
      selection,
      names: serviceChainNames(servicePort),
      held: frontends.get(servicePort) ?? [],
      sources: allowedSources(servicePort, context),
    };
  });
  const tables: IptablesRuleset['tables'] = [
    {
      name: 'filter',
      jumps: context.loopback === undefined ? filterJumps : [loopbackGuard.jump, ...filterJumps],
      chains: planFilter(planned, view, context),
    },
    { name: 'nat', jumps: natJumps, chains: planNat(planned, context) },
  ];
  return { ruleset: { family: view.family, tables }, diagnostics: lost.flatMap(describeConflict) };
}

/** A ruleset whose input had no ServiceCIDR, with the ranges of others. */
export function withServiceRanges(ruleset: IptablesRuleset, ranges: readonly string[]): IptablesRuleset {
  const tables = ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) =>
      table.name === 'filter' && chain.name === fixedChainNames.services
        ? { ...chain, rules: [...chain.rules, ...unallocatedRules(ranges)] }
        : chain,
    ),
  }));
  return ranges.length === 0 ? ruleset : { ...ruleset, tables };
}

/**
 * A function that returns whether an endpoint may be on this node. One whose slice names no node may be anywhere, unless the
 * range of the node's pods is known and holds all pods that are known to be here. What one slice says of an address goes for all.
 */
function hereTest({ view, ports }: SelectedView, { masqueradeAll }: CompileOptions): IptablesContext['mayBeHere'] {
  const { podCIDR, addresses } = view;
  const isStray = strayTest(view, masqueradeAll);
  const near = ports.flatMap(({ selection }) =>
    selection.reachable.filter(({ local, nodeName }) => local || nodeName === ''),
  );
  const isInRange = podCIDR === undefined || near.some(isStray) ? () => true : cidrTest([podCIDR]);
  const own = new Set(addresses);
  const here = new Set(
    near.flatMap(({ local, endpointAddress: { address } }) =>
      local || isInRange(address) || own.has(address) ? [address] : [],
    ),
  );
  return ({ endpointAddress }) => here.has(endpointAddress.address);
}

/** The addresses and node ports that each service port holds. */
function frontendsOf(held: readonly BareClaim[]): ReadonlyMap<ServicePort, HeldFrontend[]> {
  const frontends = new Map<ServicePort, HeldFrontend[]>();
  for (const { servicePort, kind, address } of held) {
    pushTo(frontends, servicePort, { kind, address });
  }
  return frontends;
}

function claimsOf(servicePort: ServicePort, { hasEndpoints: served }: Selection): BareClaim[] {
  const { clusterIP, loadBalancerIPs, externalIPs, nodePort, protocol, port } = servicePort;
  const at = (kind: BareClaim['kind'], address: string): BareClaim => ({
    verdictKey: `${address} . ${protocol} . ${port}`,
    kind,
    address,
    servicePort,
    served,
  });
  const verdictKey = `${protocol} . ${nodePort}`;
  return [
    at('ClusterIP', clusterIP),
    ...loadBalancerIPs.map((address) => at('LoadBalancer', address)),
    ...externalIPs.map((address) => at('ExternalIP', address)),
    ...(nodePort > 0 ? [{ verdictKey, kind: 'NodePort' as const, address: undefined, servicePort, served }] : []),
  ];
}

/** New connections that no rule has translated: only these still have the address that the client asked for. */
const untranslated: readonly IptablesMatch[] = [
  { kind: 'state', states: 'NEW' },
  { kind: 'state', states: 'DNAT', negated: true },
];

function jumpTo(chain: string): IptablesTarget {
  return { kind: 'jump', chain };
}

function jump(from: BuiltInJump['from'], chain: string, matches: readonly IptablesMatch[] = []): BuiltInJump {
  return { from, rule: { matches, comment: jumpComment, target: jumpTo(chain) } };
}

/** NAT chains see the first packet of a connection only. */
const natJumps: readonly BuiltInJump[] = [
  jump('PREROUTING', fixedChainNames.services),
  jump('OUTPUT', fixedChainNames.services),
  jump('POSTROUTING', fixedChainNames.postrouting),
];

/** After DNAT. Cluster IPs are not addresses of the node, so INPUT has nothing to do with them. */
const filterJumps: readonly BuiltInJump[] = [
  jump('INPUT', fixedChainNames.firewall, untranslated),
  jump('INPUT', fixedChainNames.healthChecks),
  jump('INPUT', fixedChainNames.external, untranslated),
  jump('FORWARD', fixedChainNames.firewall, untranslated),
  jump('FORWARD', fixedChainNames.forward),
  jump('FORWARD', fixedChainNames.services, untranslated),
  jump('FORWARD', fixedChainNames.external, untranslated),
  jump('OUTPUT', fixedChainNames.firewall, untranslated),
  jump('OUTPUT', fixedChainNames.services, untranslated),
  jump('OUTPUT', fixedChainNames.external, untranslated),
];

function planNat(ports: readonly ServedPort[], context: IptablesContext): IptablesChain[] {
  const rulesTo = (isNodePort: boolean): IptablesRule[] =>
    collectAll(ports, (port) =>
      port.held.flatMap((frontend) => {
        const chain = entryChainOf(port, frontend.kind);
        const isOther = (frontend.kind === 'NodePort') !== isNodePort;
        return chain === undefined || isOther
          ? []
          : [frontendRule(port.servicePort, frontend, { kind: 'goto', chain })];
      }),
    );
  return [
    ...branchByAddress({
      name: fixedChainNames.services,
      rules: rulesTo(false),
      others: toNodePorts(context),
      family: context.family,
    }),
    ...branchByPort(fixedChainNames.nodePorts, rulesTo(true)),
    { name: fixedChainNames.postrouting, rules: postroutingRules(context) },
    ...collectAll(ports, (port) => planServiceChains(port, context)),
  ];
}

/** `-d 10.96.0.10/32 -p tcp -m tcp --dport 80 -m comment --comment "shop/web:http cluster IP" -j SVC2NFT-SVC-X` */
function frontendRule(
  servicePort: ServicePort,
  { kind, address }: HeldFrontend,
  target: IptablesTarget,
  why = frontendKindText(kind),
): IptablesRule {
  const { protocol, port, nodePort } = servicePort;
  return {
    ...(address !== undefined && { destination: { range: address } }),
    protocol,
    port: address === undefined ? nodePort : port,
    comment: `${displayName(servicePort)} ${why}`,
    target,
  };
}

/** The rules that send packets to the node's own addresses to the chain of node ports, if node ports are open there. */
function toNodePorts({ nodePortAddresses, family, loopback }: IptablesContext): IptablesRule[] {
  const target = jumpTo(fixedChainNames.nodePorts);
  if (nodePortAddresses.kind === 'listed') {
    const ranges = [...nodePortAddresses.addresses, ...(loopback === undefined ? [] : [loopback])];
    return ranges.map((range) => ({ destination: { range }, comment: 'node ports', target }));
  }
  // The answer of a loopback address could not leave the node (net.ipv4.conf.*.route_localnet).
  const destination = loopback === undefined && { range: family === 'ip' ? '127.0.0.0/8' : '::1', negated: true };
  return [
    {
      ...(destination && { destination }),
      matches: [{ kind: 'local-address', field: 'dst' }],
      comment: 'node ports',
      target,
    },
  ];
}

function postroutingRules({ mark }: IptablesContext): IptablesRule[] {
  return [
    { matches: [{ kind: 'mark', mark, negated: true }], target: { kind: 'return' } },
    // The bit is cleared so that an overlay network that sends the packet again does not masquerade it twice.
    { target: { kind: 'set-mark', operator: 'xor', mark } },
    { target: { kind: 'masquerade' } },
  ];
}

function planFilter(ports: readonly ServedPort[], view: NodeView, context: IptablesContext): IptablesChain[] {
  const refusals = collectAll(ports, (port) =>
    port.held.flatMap((frontend) => {
      const { internalRefusal, externalRefusal } = port.selection;
      const verdict = frontend.kind === 'ClusterIP' ? internalRefusal : externalRefusal;
      return verdict === undefined ? [] : [{ frontend, rule: refusalRule(port.servicePort, frontend, verdict) }];
    }),
  );
  const refuse = (isChosen: (kind: HeldFrontend['kind']) => boolean): IptablesRule[] =>
    refusals.filter(({ frontend }) => isChosen(frontend.kind)).map(({ rule }) => rule);
  const nodePorts = refuse((kind) => kind === 'NodePort');
  return [
    ...(context.loopback === undefined ? [] : [loopbackGuard.chain]),
    { name: fixedChainNames.firewall, rules: collectAll(ports, guardRules) },
    { name: fixedChainNames.healthChecks, rules: healthCheckRules(ports) },
    { name: fixedChainNames.forward, rules: forwardRules(context) },
    {
      name: fixedChainNames.services,
      rules: [...refuse((kind) => kind === 'ClusterIP'), ...toClusterIps(view), ...unallocatedRules(view.serviceCIDRs)],
    },
    { name: fixedChainNames.clusterIps, rules: clusterIpRules(view) },
    { name: fixedChainNames.reject, rules: rejectRules },
    {
      name: fixedChainNames.external,
      rules: [
        ...refuse((kind) => kind === 'LoadBalancer' || kind === 'ExternalIP'),
        ...(nodePorts.length > 0 ? toNodePorts(context) : []),
      ],
    },
    { name: fixedChainNames.nodePorts, rules: nodePorts },
  ];
}

/** The kernel limits ICMP errors to one a second for each client, after the first six, so TCP gets a reset. */
function refusalRule(servicePort: ServicePort, frontend: HeldFrontend, verdict: RefusalVerdict): IptablesRule {
  if (verdict === 'drop') {
    return frontendRule(servicePort, frontend, { kind: 'drop' }, 'has no local endpoints');
  }
  const answer = servicePort.protocol === 'tcp' ? 'tcp-reset' : 'port-unreachable';
  return frontendRule(servicePort, frontend, { kind: 'reject', with: answer }, 'has no endpoints');
}

/** The way to the rules of all cluster IPs, which only packets to the smallest range that contains these take. */
function toClusterIps({ servicePorts }: NodeView): IptablesRule[] {
  const range = smallestRange(servicePorts.map(({ clusterIP }) => clusterIP));
  return range === undefined
    ? []
    : [{ destination: { range }, comment: 'cluster IPs', target: jumpTo(fixedChainNames.clusterIps) }];
}

/** `-d 10.96.0.10/32 -j SVC2NFT-REJECT`: the Service has no such port. Several service ports share the address. */
function clusterIpRules({ servicePorts }: NodeView): IptablesRule[] {
  const owners = new Map(servicePorts.map((servicePort) => [servicePort.clusterIP, servicePort]));
  return [...owners].map(([range, { namespace, name }]) => ({
    destination: { range },
    comment: `${namespace}/${name} has no such port`,
    target: jumpTo(fixedChainNames.reject),
  }));
}

/** `-d 10.96.0.0/12 -j DROP`: no Service has the address, and the packet must not loop to the gateway and back. */
function unallocatedRules(serviceCIDRs: readonly string[]): IptablesRule[] {
  return serviceCIDRs.map((range) => ({ destination: { range }, comment: 'no Service', target: { kind: 'drop' } }));
}

const rejectRules: readonly IptablesRule[] = [
  { protocol: 'tcp', target: { kind: 'reject', with: 'tcp-reset' } },
  { target: { kind: 'reject', with: 'port-unreachable' } },
];

/** What the source ranges of a load balancer IP did not let through was not translated, and is dropped. */
function guardRules(port: ServedPort): IptablesRule[] {
  const guarded = port.held.filter(({ kind }) => entryChainOf(port, kind) === port.names.firewall);
  return guarded.map((frontend) =>
    frontendRule(port.servicePort, frontend, { kind: 'drop' }, 'is closed to other source ranges'),
  );
}

/** Health checks come from outside, so a firewall of others must not stop them. All ports of a Service have the same one. */
function healthCheckRules(ports: readonly ServedPort[]): IptablesRule[] {
  const owners = new Map<number, ServicePort>();
  for (const { servicePort } of ports) {
    const port = healthCheckPort(servicePort.document.value as Service);
    if (port > 0 && !owners.has(port)) {
      owners.set(port, servicePort);
    }
  }
  return [...owners].map(([port, { namespace, name }]) => ({
    protocol: 'tcp',
    port,
    comment: `${namespace}/${name} health checks`,
    target: { kind: 'accept' },
  }));
}

/**
 * Connections of Services pass whatever the policy of the chain FORWARD. A packet that fits no connection is dropped: it
 * would leave with the address of the endpoint, and the client would reset its connection (kubernetes issue 74839).
 */
function forwardRules({ mark }: IptablesContext): IptablesRule[] {
  return [
    { matches: [{ kind: 'state', states: 'INVALID' }], target: { kind: 'drop' } },
    { matches: [{ kind: 'mark', mark }], target: { kind: 'accept' } },
    { matches: [{ kind: 'state', states: 'RELATED,ESTABLISHED' }], target: { kind: 'accept' } },
  ];
}
