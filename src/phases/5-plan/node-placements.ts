import type { NodeSettings } from '../3-model/model.ts';
import type { ElementPlacement } from './fragment.ts';
import type { Element } from './ruleset.ts';
import * as sets from './set-declarations.ts';

/** The elements that come from the node and the cluster, not from a Service. */
export function nodePlacements({ serviceCIDRs, nodePortAddresses }: NodeSettings): ElementPlacement[] {
  const elementsOf = (texts: readonly string[]): Element[] => texts.map((key) => ({ key }));
  const cidrs = { set: sets.serviceCidrs, elements: elementsOf(serviceCIDRs) };
  return nodePortAddresses.kind === 'all'
    ? [cidrs]
    : [cidrs, { set: sets.nodePortIps, elements: elementsOf(nodePortAddresses.addresses) }];
}
