import { cidrText, parseCidr } from '../../address.ts';
import type { Family } from '../../network.ts';
import type { CompileOptions } from '../../options.ts';
import type { LocalDetector } from './model.ts';
import type { ResolvedNode } from './resolve-node.ts';

/**
 * How packets of pods are recognised: KubeProxyConfiguration.detectLocalMode. Only the first CIDR of a family counts;
 * without one the family has no detector.
 */
export function resolveDetector(
  node: ResolvedNode,
  family: Family,
  options: CompileOptions,
): LocalDetector | undefined {
  switch (options.detectLocalMode) {
    case 'ClusterCIDR':
      return sourceDetector(options.clusterCIDRs, family);
    case 'NodeCIDR':
      return sourceDetector(node.podCIDRs, family);
    case 'BridgeInterface':
      return { kind: 'interface', name: options.detectLocalInterface, prefix: false };
    case 'InterfaceNamePrefix':
      return { kind: 'interface', name: options.detectLocalInterface, prefix: true };
  }
}

function sourceDetector(texts: readonly string[], family: Family): LocalDetector | undefined {
  const cidr = texts.map((text) => parseCidr(text)).find((parsed) => parsed?.family === family);
  return cidr && { kind: 'source', cidr: cidrText(cidr) };
}
