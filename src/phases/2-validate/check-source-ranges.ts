import { parseAddress, parseCidr } from '../../address.ts';
import { listWords } from '../../describe-value.ts';
import { nameOfFamily } from '../../family-names.ts';
import type { Family } from '../../network.ts';
import { loadBalancerTexts } from '../../service-rules.ts';
import { checkCidr } from './check-cidrs.ts';
import type { Service } from './kubernetes.ts';
import type { Report } from './report.ts';
import { serviceFamilies } from './service-families.ts';

/**
 * Checks spec.loadBalancerSourceRanges. kube-proxy filters the ranges of each family by themselves, so a family without
 * any is open to everybody; that is kept, and told.
 */
export function checkSourceRanges(service: Service, report: Report): void {
  const ranges = service.spec.loadBalancerSourceRanges ?? [];
  if (ranges.length === 0) {
    return;
  }
  for (const [index, range] of ranges.entries()) {
    if (range.trim() !== '') {
      checkCidr(range, ['spec', 'loadBalancerSourceRanges', index], report);
    }
  }
  const families = ranges.flatMap((range) => parseCidr(range)?.family ?? []);
  const served = serviceFamilies(service);
  for (const family of new Set(served)) {
    const addresses = addressesOf(service, family);
    if (families.length > 0 && addresses.length > 0 && !families.includes(family)) {
      const message = `no range is ${nameOfFamily(family)}, so everybody may reach ${listWords(addresses)}`;
      report('ranges-do-not-apply', ['spec', 'loadBalancerSourceRanges'], message);
    }
  }
}

function addressesOf(service: Service, family: Family): string[] {
  const addresses = loadBalancerTexts(service).flatMap((text) => parseAddress(text) ?? []);
  return addresses.filter((address) => address.family === family).map((address) => address.text);
}
