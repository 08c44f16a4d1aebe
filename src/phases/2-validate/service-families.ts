import { parseAddress } from '../../address.ts';
import { nameOfFamily } from '../../family-names.ts';
import type { Family } from '../../network.ts';
import { clusterIPText } from '../../service-rules.ts';
import type { Service } from './kubernetes.ts';

/** The families that a Service exists in. */
export function serviceFamilies(service: Service): Family[] {
  const isServedIn = (family: Family): boolean =>
    parseAddress(clusterIPText(service, nameOfFamily(family)) ?? '')?.family === family;
  return (['ip', 'ip6'] as const).filter(isServedIn);
}
