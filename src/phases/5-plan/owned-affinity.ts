/**
 * ClientIP affinity over IPv6 for nft 1.0.6, which aborts on `update @map` when key and value exceed 16 bytes: here a
 * service port owns chains, and each endpoint a chain and a set of the clients that it keeps. The sets hold no more
 * than the client, so that it keeps its endpoint over all frontends of the service port.
 */
import type { Endpoint, ServicePort } from '../3-model/model.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import { saddr } from './expressions.ts';
import { externalLocalRules, externalRules } from './external-rules.ts';
import type { FixedContext } from './fixed-chains.ts';
import { ownedNames } from './names.ts';
import type { Chain, Rule, SetDeclaration } from './ruleset.ts';

/** Clients that one endpoint keeps at most; the kernel allocates as they come. */
const clientCapacity = 65_535;

/** The sets and chains that belong to one service port, chains after those that they go to. */
export interface OwnedAffinity {
  readonly sets: readonly SetDeclaration[];
  readonly chains: readonly Chain[];
}

/** Plans affinity for one service port whose endpoints are selected and not all refused. */
export function planOwnedAffinity(
  servicePort: ServicePort,
  selection: Selection,
  context: FixedContext,
): OwnedAffinity {
  const { cluster, local, reachable, exposed } = selection;
  return {
    sets: reachable.map((endpoint) => clientSet(servicePort, endpoint)),
    chains: [
      ...reachable.map((endpoint) => endpointChain(servicePort, endpoint)),
      ...(cluster.length > 0 ? [pickChain(servicePort, ownedNames.clusterChain(servicePort), cluster)] : []),
      ...(local.length > 0 ? [pickChain(servicePort, ownedNames.localChain(servicePort), local)] : []),
      ...(exposed ? [externalChain(servicePort, selection, context)] : []),
    ],
  };
}

function clientSet(servicePort: ServicePort, endpoint: Endpoint): SetDeclaration {
  return {
    name: ownedNames.clientSet(servicePort, endpoint),
    key: ['address'],
    // Without `dynamic` some kernels add it at the first update, and the next load conflicts.
    flags: ['dynamic', 'timeout'],
    size: clientCapacity,
    timeoutSeconds: servicePort.affinitySeconds,
    comment: 'clients that it keeps',
  };
}

function endpointChain(servicePort: ServicePort, endpoint: Endpoint): Chain {
  const { protocol } = servicePort;
  return {
    name: ownedNames.endpointChain(servicePort, endpoint),
    rules: [
      [{ kind: 'update', set: ownedNames.clientSet(servicePort, endpoint), key: [saddr] }],
      [{ kind: 'dnat', protocol, ...endpoint.socket }],
    ],
  };
}

function pickChain(servicePort: ServicePort, name: string, endpoints: readonly Endpoint[]): Chain {
  const chains = endpoints.map((endpoint) => ownedNames.endpointChain(servicePort, endpoint));
  const pinned = endpoints.map(
    (endpoint, index): Rule => [
      { kind: 'match-set', key: [saddr], set: ownedNames.clientSet(servicePort, endpoint) },
      { kind: 'goto', chain: chains[index] ?? '' },
    ],
  );
  return { name, rules: [...pinned, [{ kind: 'random-goto', chains }]] };
}

function externalChain(servicePort: ServicePort, { local }: Selection, context: FixedContext): Chain {
  const clusterChain = ownedNames.clusterChain(servicePort);
  const localChain = local.length > 0 ? ownedNames.localChain(servicePort) : undefined;
  return {
    name: ownedNames.externalChain(servicePort),
    rules:
      servicePort.externalPolicy === 'Cluster'
        ? externalRules(clusterChain, context)
        : externalLocalRules(clusterChain, localChain, context),
  };
}
