import { isNftError } from '../../kernel/read-table.ts';
import type { Facts } from './facts.ts';
import { type Judgement, note, ok, problem, warning } from './finding.ts';

/** Whether there is an nft that loads our rules. */
export function checkNft({ nft }: Facts): Judgement {
  if (!isNftError(nft)) {
    const affinity =
      nft.targetNft === '1.1.3'
        ? ''
        : '; Services with affinity over IPv6 get chains of their own (flat from 1.1.3 on)';
    return ok(`nft ${nft.version}${affinity}`);
  }
  // What is wrong with the kernel is said by its own check.
  return nft.kind === 'kernel-too-old' ? ok('nft is new enough') : problem(nft.said.join(' '), nft.advice);
}

/** Whether nft can print JSON, which is how tables are read. Some builds leave it out. */
export function checkJson({ nft, lacksJson, chains }: Facts): Judgement {
  if (lacksJson) {
    return problem(
      'nft was built without JSON: tables cannot be read, so svc2nft apply and diff fail',
      'Install an nftables that was built with JSON support (libjansson); `nft -V` must print "json: yes".',
    );
  }
  if (isNftError(nft) && ['not-found', 'no-permission'].includes(nft.kind)) {
    return note('nft could not be asked for JSON', nft.advice);
  }
  if (isNftError(chains) && chains.kind !== 'no-permission') {
    return problem(`nft -j list chains fails: ${chains.kind}: ${chains.said[0] ?? ''}`, chains.advice);
  }
  return ok('nft prints JSON');
}

/** Whether stale UDP flows can be deleted. */
export function checkConntrackProgram({ hasConntrack }: Facts): Judgement {
  return hasConntrack
    ? ok('conntrack is installed')
    : warning(
        'conntrack is not installed: UDP flows to endpoints that are gone go on until they pause',
        'Install conntrack-tools (Debian: conntrack).',
      );
}

/** Every connection to a Service needs an entry; when the table is full, the kernel drops new ones. */
export function checkConntrackTable({ files }: Facts): Judgement {
  const [count, limit] = [Number(files.flowCount), Number(files.flowLimit)];
  if (!(count >= 0 && limit > 0)) {
    return note(
      'the size of the conntrack table could not be seen',
      'The module nf_conntrack may not be loaded yet; our rules load it.',
    );
  }
  const advice = 'Raise net.netfilter.nf_conntrack_max; kube-proxy takes 32768 for each core and 131072 at least.';
  if (count >= limit) {
    return problem(`the conntrack table is full: ${count} of ${limit} connections, new ones are dropped`, advice);
  }
  const what = `the conntrack table has ${count} of ${limit} connections`;
  return count >= limit * 0.8 ? warning(what, advice) : ok(what);
}

/** From Linux 6.1 on, conntrack itself lets TCP packets that come late pass with their translation. */
const firstLenientKernel = [6, 1] as const;

/**
 * Conntrack does not translate a TCP packet out of the window; its receiver does not know the sender then, and resets
 * the connection (kubernetes issue 74839).
 */
export function checkLiberal({ files }: Facts): Judgement {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(files.release ?? '') ?? [];
  const [first, second] = firstLenientKernel;
  const isLenient = Number(major) > first || (Number(major) === first && Number(minor) >= second);
  return isLenient || files.liberal?.trim() === '1'
    ? ok('late TCP packets reset no connection')
    : note(
        'net.netfilter.nf_conntrack_tcp_be_liberal is not 1: before Linux 6.1, late TCP packets may reset connections',
        'Set it to 1, as conntrack.tcpBeLiberal of kube-proxy does.',
      );
}

/** Whether rules may be read and changed. */
export function checkPermission({ nft, chains, files }: Facts): Judgement {
  if (!isNftError(chains)) {
    return ok('rules may be read and changed');
  }
  // `nft --version` needs no permission: nft itself may not be executed, which is said by its own check.
  if (chains.kind !== 'no-permission' || (isNftError(nft) && nft.kind === 'no-permission')) {
    return note('whether rules may be changed could not be seen', chains.advice);
  }
  // A capability without the permission: a seccomp profile, SELinux, or a network namespace of somebody else.
  return hasNetAdmin(files.process)
    ? problem(
        'rules may not be read, though this process has CAP_NET_ADMIN',
        'Look for a seccomp profile or SELinux rule that forbids netlink, and whether the network namespace belongs to this user namespace.',
      )
    : problem(
        'this process lacks CAP_NET_ADMIN: it may not read or change rules, and much below could not be seen',
        'Run as root; in Kubernetes: securityContext.capabilities.add: [NET_ADMIN] and hostNetwork: true.',
      );
}

/** Inside a user namespace nft cannot enlarge its buffers at will (docs/nft-errors.md#buffers). */
export function checkUserNamespace({ files }: Facts): Judgement {
  const map = files.userIds?.trim().split(/\s+/) ?? [];
  // The first user namespace maps every number to itself.
  if (map.length === 0 || map.join(' ') === '0 0 4294967295') {
    return ok('no user namespace: nft enlarges its buffers as it needs');
  }
  const limit = files.sendBuffer === undefined ? '' : ` (net.core.wmem_max is ${files.sendBuffer.trim()})`;
  return note(
    `inside a user namespace the host limits how large a transaction may be${limit}`,
    'If apply ends with message-too-long, raise net.core.wmem_max and net.core.wmem_default on the host.',
  );
}

/** CAP_NET_ADMIN is bit 12 (linux/capability.h). */
function hasNetAdmin(status: string | undefined): boolean {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1] ?? '0';
  return ((BigInt(`0x${digits}`) >> 12n) & 1n) === 1n;
}
