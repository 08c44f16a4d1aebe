import { isNftError } from '../../kernel/nft-error.ts';
import { countOf } from '../../lib/text.ts';
import type { Facts } from './facts.ts';
import { type Judgment, note, ok, problem, warning } from './finding.ts';

/** Whether there is an nft that can load the rules. */
export function checkNft({ nft }: Facts): Judgment {
  if (!isNftError(nft)) {
    const affinity =
      nft.targetNft === '1.1.3'
        ? ''
        : '; Services with affinity over IPv6 get their own chains (not needed from nft 1.1.3 on)';
    return ok(`nft ${nft.version}${affinity}`);
  }
  // A problem of the kernel is reported by its own check.
  return nft.kind === 'kernel-too-old' ? ok('nft is new enough') : problem(nft.said.join(' '), nft.advice);
}

/** Whether nft can print JSON, which is how tables are read. Some builds cannot. */
export function checkNftJson({ nft, lacksJson, chains }: Facts): Judgment {
  if (lacksJson) {
    return problem(
      'nft was built without JSON: tables cannot be read, so svc2nft apply and diff fail',
      'Install a build of nftables with JSON support (libjansson); `nft -V` must print "json: yes".',
    );
  }
  if (isNftError(nft) && ['not-found', 'no-permission'].includes(nft.kind)) {
    return note('could not check whether nft prints JSON', nft.advice);
  }
  if (isNftError(chains) && chains.kind !== 'no-permission') {
    return problem(`nft -j list chains fails: ${chains.kind}: ${chains.said[0] ?? ''}`, chains.advice);
  }
  return ok('nft prints JSON');
}

/** Whether stale UDP flows can be deleted from conntrack. */
export function checkConntrackProgram({ hasConntrack }: Facts): Judgment {
  return hasConntrack
    ? ok('conntrack is installed')
    : warning(
        'conntrack is not installed: existing UDP flows to removed endpoints continue until idle',
        'Install conntrack-tools (Debian: conntrack).',
      );
}

/**
 * Whether the conntrack table has room. Every connection to a Service needs an entry; if the table is full, the kernel
 * drops new ones.
 */
export function checkConntrackTable({ files }: Facts): Judgment {
  const [count, limit] = [Number(files.flowCount), Number(files.flowLimit)];
  if (!(count >= 0 && limit > 0)) {
    return note(
      'could not read the size of the conntrack table',
      'Check again after svc2nft apply: its rules load the module nf_conntrack.',
    );
  }
  const full = `${count.toLocaleString('en')} of ${countOf(limit, 'connection')}`;
  const advice = 'Raise net.netfilter.nf_conntrack_max; kube-proxy sets it to 32768 per core, and at least 131072.';
  if (count >= limit) {
    return problem(`the conntrack table is full: ${full}; new ones are dropped`, advice);
  }
  const what = `the conntrack table has ${full}`;
  return count >= limit * 0.8 ? warning(what, advice) : ok(what);
}

/** From Linux 6.1 on, conntrack translates late TCP packets. */
const firstLenientKernel = [6, 1] as const;

/**
 * Whether late TCP packets may reset connections: conntrack does not translate a packet outside of the window, so its
 * receiver does not recognize the sender and resets the connection (kubernetes issue 74839).
 */
export function checkLiberal({ files }: Facts): Judgment {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(files.release ?? '') ?? [];
  const [first, second] = firstLenientKernel;
  const isLenient = Number(major) > first || (Number(major) === first && Number(minor) >= second);
  return isLenient || files.liberal?.trim() === '1'
    ? ok('late TCP packets do not reset connections')
    : note(
        'net.netfilter.nf_conntrack_tcp_be_liberal is not 1: before Linux 6.1, late TCP packets may reset connections',
        'Set it to 1, as kube-proxy does with conntrack.tcpBeLiberal.',
      );
}

/** Whether rules may be read and changed. */
export function checkPermission({ nft, chains, files }: Facts): Judgment {
  if (!isNftError(chains)) {
    return ok('may read and change rules');
  }
  // `nft --version` needs no permission; if that fails, nft is not executable, which its own check reports.
  if (chains.kind !== 'no-permission' || (isNftError(nft) && nft.kind === 'no-permission')) {
    return note('could not check whether rules may be changed', chains.advice);
  }
  // Refused in spite of the capability: seccomp, SELinux, or a network namespace of another user namespace.
  return hasNetAdmin(files.process)
    ? problem(
        'this process may not read rules, although it has CAP_NET_ADMIN',
        'Look for a seccomp profile or an SELinux rule that forbids netlink, and check that the network namespace belongs to this user namespace.',
      )
    : problem(
        'this process lacks CAP_NET_ADMIN: it may not read or change rules, so many checks below are incomplete',
        'Run as root; in Kubernetes: securityContext.capabilities.add: [NET_ADMIN] and hostNetwork: true.',
      );
}

/** Whether this is a user namespace, in which nft cannot enlarge its buffers at will (docs/nft-errors.md#buffers). */
export function checkUserNamespace({ files }: Facts): Judgment {
  const map = files.userIds?.trim().split(/\s+/) ?? [];
  // The first user namespace maps every number to itself.
  if (map.length === 0 || map.join(' ') === '0 0 4294967295') {
    return ok('not in a user namespace: nft enlarges its buffers as needed');
  }
  const limit = files.sendBuffer === undefined ? '' : ` (net.core.wmem_max is ${files.sendBuffer.trim()})`;
  return note(
    `in a user namespace, the host limits the size of a transaction${limit}`,
    'If apply fails with message-too-long, raise net.core.wmem_max and net.core.wmem_default on the host.',
  );
}

/** CAP_NET_ADMIN is bit 12 (linux/capability.h). */
function hasNetAdmin(status: string | undefined): boolean {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1] ?? '0';
  return ((BigInt(`0x${digits}`) >> 12n) & 1n) === 1n;
}
