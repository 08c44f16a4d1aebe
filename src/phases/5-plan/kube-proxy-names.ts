/**
 * The names in the tables of kube-proxy's nftables mode (pkg/proxy/nftables of Kubernetes 1.29 to 1.38): which tables are its
 * own, and what the names of chains say of Services.
 */

import { parseAddress } from '../../net/address.ts';
import type { EndpointAddress } from '../../net/network.ts';
import type { KnownNames, TableMarks } from '../../nft/listed-table.ts';
import type { Element, FilledSet, Ruleset } from '../../nft/ruleset.ts';
import { elementsIn, splitKey } from '../../nft/ruleset-parts.ts';
import { elementComment, knownNames, type PathParts, setNames, tableComment } from './names.ts';

/** The name of its tables, and their comment. */
export const kubeProxyTable = { name: 'kube-proxy', comment: 'rules for kube-proxy' } as const;

/** Its chains and maps with fixed names that svc2nft does not have. */
export const kubeProxyNames = {
  /** Masquerades; in earlier versions of svc2nft as well. */
  masquerading: 'masquerading',
  /** Kubernetes 1.29 to 1.35: sets the mark. */
  markChain: 'mark-for-masquerade',
  /** Early versions: looks for Services and node ports without endpoints. */
  endpointsCheck: 'endpoints-check',
  /** Rejects at cluster IPs, and drops at unallocated ones. */
  clusterIpsCheck: 'cluster-ips-check',
  /** Kubernetes 1.36 and later: source ranges. */
  preDnatChain: 'filter-prerouting-pre-dnat',
  /** Node ports that loopback addresses refuse. */
  localhostRejections: 'localhost-nodeport-reject-ports',
} as const;

/** What the chains of a service port, the chains of endpoints, and the sets of their clients are for. */
type KubeProxyPrefix = 'service' | 'local' | 'external' | 'firewall' | 'endpoint' | 'affinity';

/** What the name of a chain or set says. */
export interface KubeProxyName {
  readonly prefix: KubeProxyPrefix;
  readonly servicePort: PathParts;
  /** Only in names of a single endpoint, and not in those that are cut (at 240 bytes). */
  readonly endpoint: EndpointAddress | undefined;
}

const namePattern =
  /^(?<prefix>service|local|external|firewall|endpoint|affinity)-[A-Z2-7]{8}-(?<namespace>[^/]+)\/(?<service>[^/]+)\/(?<protocol>tcp|udp|sctp)\/(?<portName>[^/]*?)(?:__(?<address>[0-9a-f.]+)\/(?<port>[0-9]+))?$/;

/** Reads `endpoint-ULMVA6XW-ns1/svc1/tcp/p80__10.1.2.3/80`, whose letters are a hash; undefined for any other name. */
export function readKubeProxyName(name: string): KubeProxyName | undefined {
  const parts = namePattern.exec(name)?.groups;
  if (!parts) {
    return undefined;
  }
  const { prefix, namespace = '', service = '', protocol = '', portName = '', address, port } = parts;
  const endpoint = address === undefined ? undefined : readEndpoint(address, Number(port));
  return {
    prefix: prefix as KubeProxyPrefix,
    servicePort: { namespace, name: service, protocol, portName },
    endpoint,
  };
}

/** In names, the colons of IPv6 are dots; those of an IPv4 address at its end were dots before. */
function readEndpoint(text: string, port: number): EndpointAddress | undefined {
  const spellings = [text, text.replaceAll('.', ':'), text.replace(/\.(?=.*\.\d+\.\d+\.\d+$)/g, ':')];
  const address = spellings.find((one) => parseAddress(one)?.text === one);
  return address === undefined ? undefined : { address, port };
}

/** Whether kube-proxy wrote a table: by its comment, or where nft does not print that, by the names of its chains. */
function isKubeProxyTable({ comment, chains }: TableMarks): boolean {
  const isOther = comment === tableComment;
  return comment === kubeProxyTable.comment || (!isOther && chains.some(isOfKubeProxy));
}

function isOfKubeProxy(chain: string): boolean {
  return (
    chain === kubeProxyNames.markChain ||
    chain === kubeProxyNames.preDnatChain ||
    readKubeProxyName(chain) !== undefined
  );
}

/** Whether kube-proxy wrote the table of a ruleset. */
export function isKubeProxys({ comment, chains }: Pick<Ruleset, 'comment' | 'chains'>): boolean {
  return isKubeProxyTable({ comment, chains: chains.map(({ name }) => name) });
}

/** For readers that only look: what kube-proxy writes is understood in its own tables, as what svc2nft writes is in all. */
export const inspectedNames: KnownNames = { ...knownNames, isKubeProxyTable };

/**
 * The ruleset with the comments that svc2nft gives elements: the name of the service port that the chain of a verdict names,
 * and at cluster IPs, the name of the Service. kube-proxy itself only gives comments to elements without a chain.
 */
export function nameElements(ruleset: Ruleset): Ruleset {
  const clusterIPs = readClusterIPs(ruleset);
  const nodePorts = new Map(
    [setNames.serviceNodePorts, setNames.noEndpointNodePorts].flatMap((name) =>
      elementsIn(ruleset, name).map((element) => [element.key, nameOf(element)] as const),
    ),
  );
  const commentOf = (set: string, element: Element): string | undefined => {
    switch (set) {
      case setNames.clusterIps:
        return clusterIPs.get(element.key);
      case kubeProxyNames.localhostRejections:
        return nodePorts.get(element.key);
      default:
        return nameOf(element);
    }
  };
  const sets = ruleset.sets.map((set): FilledSet => {
    const elements = set.elements.map((element): Element => {
      const comment = commentOf(set.name, element);
      return comment === undefined ? element : { ...element, comment };
    });
    return { ...set, elements };
  });
  return { ...ruleset, sets };
}

/** `namespace/name:port` of the service port to whose chain an element leads, or as its comment has it. */
function nameOf({ value, comment }: Element): string | undefined {
  const servicePort = value && 'chain' in value ? readKubeProxyName(value.chain)?.servicePort : undefined;
  return servicePort ? servicePortText(servicePort) : comment;
}

function servicePortText({ namespace, name, portName }: PathParts): string {
  return elementComment(portName === '' ? `${namespace}/${name}` : `${namespace}/${name}:${portName}`);
}

/**
 * The Service of each cluster IP, `namespace/name`: a verdict leads there without the chain for external traffic, or refuses.
 * Of those that are refused in early layouts, which have no set of cluster IPs, nothing shows that they are.
 */
export function readClusterIPs(ruleset: Ruleset): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const known = new Set(elementsIn(ruleset, setNames.clusterIps).map(({ key }) => key));
  const elements = [setNames.noEndpointServices, setNames.serviceIps].flatMap((name) => elementsIn(ruleset, name));
  for (const { key, value, comment } of elements) {
    const [address = ''] = splitKey(key);
    const name = value && 'chain' in value ? readKubeProxyName(value.chain) : undefined;
    const isInternal = name ? name.prefix === 'service' || name.prefix === 'local' : known.has(address);
    const owner = name ? `${name.servicePort.namespace}/${name.servicePort.name}` : comment?.split(':')[0];
    if (isInternal && owner !== undefined) {
      owners.set(address, owner);
    }
  }
  return owners;
}
