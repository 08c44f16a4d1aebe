import type { Facts } from './facts.ts';

/** What the doctor finds. */

/** The closed list of what is looked at, in the order of the output. Each has a section in docs/doctor.md. */
export const findingCodes = [
  'nft',
  'nft-json',
  'permission',
  'user-namespace',
  'kernel',
  'kernel-features',
  'own-table',
  'same-rules',
  'kube-proxy-nftables',
  'kube-proxy-iptables',
  'kube-proxy-ipvs',
  'other-proxies',
  'forward-policy',
  'ip-forwarding',
  'bridge-netfilter',
  'reverse-path-filter',
  'route-localnet',
  'local-ports',
  'conntrack-program',
  'conntrack-table',
  'conntrack-liberal',
  'flush-ruleset',
  'firewall-services',
  'saved-rules',
] as const;

/** One thing that is looked at. */
export type FindingCode = (typeof findingCodes)[number];

/**
 * `problem`: Services do not work, or not all of them, until this is mended. `warning`: they will stop to work one day,
 * or may not work. `note`: good to know, or could not be seen.
 */
export type FindingStatus = 'ok' | 'note' | 'warning' | 'problem';

/** What became of one check. */
export interface Judgement {
  readonly status: FindingStatus;
  /** One sentence or less, as a line; names in it come from strangers and are escaped where they are printed. */
  readonly what: string;
  /** What to do, in sentences; absent where nothing is to be done. */
  readonly advice?: string;
}

/** A judgement with the name of its check. */
export interface Finding extends Judgement {
  readonly code: FindingCode;
  /** Where the documentation says more, from the folder of the package. */
  readonly link: string;
}

/** All is well. */
export function ok(what: string): Judgement {
  return { status: 'ok', what };
}

/** Good to know. */
export function note(what: string, advice: string): Judgement {
  return { status: 'note', what, advice };
}

/** It may not work, or not for long. */
export function warning(what: string, advice: string): Judgement {
  return { status: 'warning', what, advice };
}

/** It does not work. */
export function problem(what: string, advice: string): Judgement {
  return { status: 'problem', what, advice };
}

/** Whether the node speaks IPv4: /proc/net/route has a line for each IPv4 route, but those of loopback addresses. */
export function hasIpv4({ routes }: Facts['files']): boolean {
  // Who cannot see it must not say that there is none.
  return routes === undefined || /^(?!Iface\b|lo\b)\S+\t/m.test(routes);
}

/** The names of the network interfaces, out of /proc/net/dev; a name has no colon (dev_valid_name of the kernel). */
export function interfacesOf({ interfaces = '' }: Facts['files']): readonly string[] {
  return [...interfaces.matchAll(/^\s*([^\s:|]+):/gm)].map(([, name = '']) => name);
}
