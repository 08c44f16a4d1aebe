import type { Facts } from './facts.ts';

/** All checks, in the order of the output. Each has a section in docs/doctor.md. */
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

/** The name of a check. */
export type FindingCode = (typeof findingCodes)[number];

/**
 * `problem`: Services, or some of them, do not work until this is fixed. `warning`: they may not work, or may stop
 * working. `note`: good to know, or could not be checked.
 */
export type FindingStatus = 'ok' | 'note' | 'warning' | 'problem';

/** The result of one check. */
export interface Judgment {
  readonly status: FindingStatus;
  /** At most one sentence, in one line. May contain names from other programs: escape it before printing. */
  readonly what: string;
  /** What to do, in sentences; absent if there is nothing to do. */
  readonly advice?: string;
}

/** The result of a check, with its name. */
export interface DoctorFinding extends Judgment {
  readonly code: FindingCode;
  /** Section of the documentation, relative to the folder of the package. */
  readonly link: string;
}

/** Nothing to do. */
export function ok(what: string): Judgment {
  return { status: 'ok', what };
}

/** Good to know, or could not be checked. */
export function note(what: string, advice: string): Judgment {
  return { status: 'note', what, advice };
}

/** Services may not work, or may stop working. */
export function warning(what: string, advice: string): Judgment {
  return { status: 'warning', what, advice };
}

/** Services, or some of them, do not work. */
export function problem(what: string, advice: string): Judgment {
  return { status: 'problem', what, advice };
}

/** Whether the node has IPv4 routes: /proc/net/route has a line for each, except for those of loopback addresses. */
export function hasIpv4({ routes }: Facts['files']): boolean {
  // An unreadable file must not count as no IPv4.
  return routes === undefined || /^(?!Iface\b|lo\b)\S+\t/m.test(routes);
}

/** The names of the network interfaces, from /proc/net/dev; a name has no colon (dev_valid_name in the kernel). */
export function interfacesOf({ interfaces = '' }: Facts['files']): readonly string[] {
  return [...interfaces.matchAll(/^\s*([^\s:|]+):/gm)].map(([, name = '']) => name);
}
