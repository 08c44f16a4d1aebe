import { type Cidr, cidrContains, parseAddress, parseCidr } from '../../address.ts';
import type { Family } from '../../network.ts';
import type { CompileOptions } from '../../options.ts';
import type { NodePortAddresses } from './model.ts';
import { primaryAddress, type ResolvedNode } from './resolve-node.ts';

/**
 * Which of the node's addresses of a family accept node ports: KubeProxyConfiguration.nodePortAddresses, `primary`
 * by default. `unlisted` tells that no entry is of this family, which kube-proxy takes for "all addresses".
 */
export function resolveNodePortAddresses(
  node: ResolvedNode,
  family: Family,
  options: CompileOptions,
): { addresses: NodePortAddresses; unlisted: boolean } {
  const entries = options.nodePortAddresses.length > 0 ? options.nodePortAddresses : ['primary'];
  const cidrs = entries.flatMap((entry) => cidrsOf(entry, node, family));
  if (cidrs.length === 0 || cidrs.some((cidr) => cidr.prefix === 0)) {
    return { addresses: { kind: 'all' }, unlisted: cidrs.length === 0 };
  }
  const ofFamily = node.addresses.filter((address) => parseAddress(address)?.family === family);
  const accepted = ofFamily.filter((address) => cidrs.some((cidr) => cidrContains(cidr, address)));
  return { addresses: { kind: 'listed', addresses: accepted }, unlisted: false };
}

function cidrsOf(entry: string, node: ResolvedNode, family: Family): Cidr[] {
  return textsOf(entry, node, family).flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr?.family === family ? [cidr] : [];
  });
}

function textsOf(entry: string, node: ResolvedNode, family: Family): string[] {
  switch (entry) {
    case 'primary': {
      const address = primaryAddress(node, family);
      return address === undefined ? [] : [`${address}/${family === 'ip' ? 32 : 128}`];
    }
    case 'all':
      return ['0.0.0.0/0', '::/0'];
    case 'localhost':
      return ['127.0.0.0/8', '::1/128'];
    default:
      return [entry];
  }
}
