import { isNftError } from '../apply/read-table.ts';
import type { Facts } from './facts.ts';
import { type Judgement, note, ok, problem } from './finding.ts';

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
