/** The names of chains: at most 28 bytes, as iptables wants them. */

import { createHash } from 'node:crypto';
import { endpointText, type Protocol } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { Endpoint, ServicePort } from '../3-model/model.ts';
import { displayName } from '../5-plan/names.ts';

/** The chains that exist once in a table. A name may be in both tables, as in kube-proxy. */
export const fixedChainNames = {
  /** nat: from frontends to the chains of their service ports; filter: cluster IPs without endpoints. */
  services: 'SVC2NFT-SERVICES',
  /** nat: the same for node ports; filter: node ports without endpoints. */
  nodePorts: 'SVC2NFT-NODEPORTS',
  /** nat: masquerades what has the mark. */
  postrouting: 'SVC2NFT-POSTROUTING',
  /** filter: other ports of cluster IPs, and addresses that no Service has. */
  clusterIps: 'SVC2NFT-CLUSTER-IPS',
  /** filter: answers with a refusal. */
  reject: 'SVC2NFT-REJECT',
  /** filter: load balancer and external IPs without endpoints. */
  external: 'SVC2NFT-EXTERNAL',
  /** filter: load balancer IPs that source ranges did not let through. */
  firewall: 'SVC2NFT-FIREWALL',
  /** filter: lets what belongs to Services pass the node. */
  forward: 'SVC2NFT-FORWARD',
  /** filter: loopback addresses, for packets from elsewhere. */
  loopback: 'SVC2NFT-LOOPBACK',
  /** filter: health check node ports. */
  healthChecks: 'SVC2NFT-HEALTH-CHECKS',
} as const;

/** The chains of one service port. Each has the same hash as in kube-proxy: SVC2NFT-SVC-X is there KUBE-SVC-X. */
export interface ServiceChainNames {
  /** Picks an endpoint for policy Cluster. */
  readonly cluster: string;
  /** Picks one for policy Local. */
  readonly local: string;
  /** Decides between the two for external traffic. */
  readonly external: string;
  /** Lets source ranges pass to it. */
  readonly firewall: string;
}

/** The names of the chains of a service port. */
export function serviceChainNames(servicePort: ServicePort): ServiceChainNames {
  const hash = hashOf(`${displayName(servicePort)}${servicePort.protocol}`);
  return {
    cluster: `SVC2NFT-SVC-${hash}`,
    local: `SVC2NFT-SVL-${hash}`,
    external: `SVC2NFT-EXT-${hash}`,
    firewall: `SVC2NFT-FW-${hash}`,
  };
}

/** The name of an endpoint's chain, and of the list of its clients. */
export function endpointChainName(servicePort: ServicePort, { endpointAddress }: Endpoint): string {
  return `SVC2NFT-SEP-${hashOf(`${displayName(servicePort)}${servicePort.protocol}${endpointText(endpointAddress)}`)}`;
}

/** The chain of the frontends in a range of addresses, where there are many. */
export function addressBranchName(range: string): string {
  return `SVC2NFT-TO-${hashOf(range)}`;
}

/** The chain of the node ports from one on, where there are many. */
export function portBranchName(protocol: Protocol, first: number): string {
  return `SVC2NFT-PORTS-${protocol.toUpperCase()}-${first}`;
}

/** What the chains of a service port, and those of endpoints, are for. */
type ServiceChainKind = 'cluster' | 'local' | 'external' | 'firewall' | 'endpoint';

/** What a chain in rules of kube-proxy or svc2nft is for. */
interface IptablesChainName {
  /** `nat`, `filter` or another table. */
  readonly table: string;
  readonly kind: IptablesChainKind;
  readonly owner: IptablesOwner;
}

/** The chains that exist once in a table, by what they do; several of svc2nft's may do what one of kube-proxy's does. */
type FixedChainKind =
  | 'services'
  | 'node-ports'
  | 'external-services'
  | 'mark'
  | 'postrouting'
  | 'forward'
  | 'proxy-firewall'
  | 'localhost-firewall'
  | 'health-checks'
  | 'cluster-ips'
  | 'reject'
  | 'branch';

/** What a chain of either does. */
export type IptablesChainKind = ServiceChainKind | FixedChainKind;

/** Who writes such rules: kube-proxy in its iptables mode, with the kubelet, or svc2nft. */
export type IptablesOwner = 'kube-proxy' | 'svc2nft';

const kindsByName: Readonly<Record<string, IptablesChainKind>> = {
  SVC: 'cluster',
  SVL: 'local',
  EXT: 'external',
  FW: 'firewall',
  SEP: 'endpoint',
  // kube-proxy until 1.23 has such a chain for external traffic of policy Local.
  XLB: 'external',
};

const fixedKinds: Readonly<Record<string, FixedChainKind>> = {
  'KUBE-SERVICES': 'services',
  'KUBE-NODEPORTS': 'node-ports',
  'KUBE-EXTERNAL-SERVICES': 'external-services',
  'KUBE-MARK-MASQ': 'mark',
  'KUBE-POSTROUTING': 'postrouting',
  'KUBE-FORWARD': 'forward',
  'KUBE-PROXY-FIREWALL': 'proxy-firewall',
  'KUBE-FIREWALL': 'localhost-firewall',
  [fixedChainNames.services]: 'services',
  [fixedChainNames.nodePorts]: 'node-ports',
  [fixedChainNames.external]: 'external-services',
  [fixedChainNames.postrouting]: 'postrouting',
  [fixedChainNames.forward]: 'forward',
  [fixedChainNames.firewall]: 'proxy-firewall',
  [fixedChainNames.healthChecks]: 'health-checks',
  [fixedChainNames.clusterIps]: 'cluster-ips',
  [fixedChainNames.reject]: 'reject',
};

/** Reads the name of a chain in a ruleset of iptables, `nat KUBE-SVC-ERIFXISQEP7F7OF4`; undefined for those of others. */
export function readIptablesName(name: string): IptablesChainName | undefined {
  const [, table = '', prefix, rest = ''] = /^(.+) (KUBE|SVC2NFT)-(\S+)$/.exec(name) ?? [];
  if (prefix === undefined) {
    return undefined;
  }
  const owner = prefix === 'KUBE' ? 'kube-proxy' : 'svc2nft';
  const fixed = `${prefix}-${rest}`;
  const [, short = ''] = /^([A-Z]+)-[A-Z2-7]{16}$/.exec(rest) ?? [];
  const isBranch = owner === 'svc2nft' && /^(?:TO-[A-Z2-7]{16}|PORTS-[A-Z]+-\d+)$/.test(rest);
  const kind =
    (Object.hasOwn(fixedKinds, fixed) ? fixedKinds[fixed] : undefined) ??
    (Object.hasOwn(kindsByName, short) ? kindsByName[short] : undefined) ??
    (isBranch ? 'branch' : undefined);
  return kind && { table, kind, owner };
}

/** Who has chains of Services in rules of iptables. */
export function iptablesOwners({ chains }: Pick<Ruleset, 'chains'>): IptablesOwner[] {
  const found = chains.map(({ name }) => readIptablesName(name)).filter((name) => name?.kind === 'services');
  return (['kube-proxy', 'svc2nft'] as const).filter((owner) => found.some((name) => name?.owner === owner));
}

/** The first 80 bits of the SHA-256 in base32, as kube-proxy has them in its names. */
function hashOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest();
  let letters = '';
  for (let bit = 0; bit < 80; bit += 5) {
    const pair = bytes.readUInt16BE(bit >> 3);
    letters += alphabet[(pair >> (11 - (bit & 7))) & 31];
  }
  return letters;
}

/** RFC 4648. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
