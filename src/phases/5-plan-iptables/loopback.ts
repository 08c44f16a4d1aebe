/** Node ports at loopback addresses, IPv4 only: kube-proxy's `iptables.localhostNodePorts`, and the guard that it takes. */

import type { BuiltInJump, IptablesChain, IptablesTable } from '../../iptables/iptables-ruleset.ts';
import { jumpComment } from '../../iptables/print-iptables.ts';
import { cidrContains, rangeOf } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { CompileOptions } from '../../options.ts';
import { fixedChainNames } from './iptables-names.ts';

/** All loopback addresses of IPv4. */
const loopback = '127.0.0.0/8';

/**
 * The loopback addresses at which node ports answer: all, where nodePortAddresses names all addresses or none of IPv4; 127.0.0.1,
 * where it names a range that has it. Undefined for none: IPv6 has no such setting of the kernel.
 */
export function answeringLoopback(
  family: Family,
  { iptables: { localhostNodePorts = true } = {}, nodePortAddresses }: CompileOptions,
): string | undefined {
  if (!localhostNodePorts || family === 'ip6') {
    return undefined;
  }
  const texts = nodePortAddresses.map((text) => keywords.get(text) ?? text).filter((text) => !text.includes(':'));
  const ranges = texts.flatMap((text) => rangeOf(text) ?? []);
  if (texts.length === 0 || ranges.some(({ prefix }) => prefix === 0)) {
    return loopback;
  }
  return ranges.some((range) => cidrContains(range, '127.0.0.1')) ? '127.0.0.1' : undefined;
}

const keywords: ReadonlyMap<string, string> = new Map([
  ['all', '0.0.0.0/0'],
  ['localhost', loopback],
]);

/**
 * With `net.ipv4.conf.all.route_localnet` the kernel takes packets from the network that are for loopback addresses (CVE-2020-8558).
 * kube-proxy, and kubelet in KUBE-FIREWALL, drop those whose source is no loopback address; a source can be forged, so here it is
 * those that came from elsewhere. Answers to connections that began here are let through.
 */
export const loopbackGuard: { readonly jump: BuiltInJump; readonly chain: IptablesChain } = {
  jump: {
    from: 'INPUT',
    rule: {
      destination: { range: loopback },
      inInterface: { name: 'lo', prefix: false, negated: true },
      comment: jumpComment,
      target: { kind: 'jump', chain: fixedChainNames.loopback },
    },
  },
  chain: {
    name: fixedChainNames.loopback,
    rules: [
      {
        matches: [{ kind: 'state', states: 'RELATED,ESTABLISHED,DNAT', negated: true }],
        comment: 'not from this node',
        target: { kind: 'drop' },
      },
    ],
  },
};

/** Whether a table has the guard, because node ports answer at loopback addresses. */
export function guardsLoopback({ chains }: IptablesTable): boolean {
  return chains.includes(loopbackGuard.chain);
}
