import type { Facts } from './facts.ts';
import { type Judgement, note, ok, warning } from './finding.ts';

interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The default of the API server's --service-node-port-range. */
const nodePorts: PortRange = { first: 30_000, last: 32_767 };

/** Whether the kernel gives ports to local programs that may be node ports, whose packets we take away from them. */
export function checkLocalPorts({ files }: Facts): Judgement {
  const [local] = readRanges(files.localPorts?.trim().replace(/\s+/, '-') ?? '');
  if (!local) {
    return note('net.ipv4.ip_local_port_range could not be seen', 'It should leave out 30000-32767.');
  }
  const shared = { first: Math.max(local.first, nodePorts.first), last: Math.min(local.last, nodePorts.last) };
  const free = firstOutside(shared, readRanges(files.reservedPorts ?? ''));
  return free === undefined
    ? ok(`local ports (${local.first}-${local.last}) leave out node ports (30000-32767)`)
    : warning(
        `local programs may get ports from ${local.first} to ${local.last}, which node ports (30000-32767) take away from them`,
        'Set net.ipv4.ip_local_reserved_ports = 30000-32767, or the range of the API server (--service-node-port-range).',
      );
}

/** `30000-32767,8080`, as the kernel writes it. */
function readRanges(text: string): readonly PortRange[] {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].map(([, first = '', last = first]) => ({
    first: Number(first),
    last: Number(last),
  }));
}

/** The first port of a range that is in none of the others, which the kernel keeps sorted. */
function firstOutside({ first, last }: PortRange, others: readonly PortRange[]): number | undefined {
  let port = first;
  for (const other of others) {
    if (other.first <= port && port <= other.last) {
      port = other.last + 1;
    }
  }
  return port <= last ? port : undefined;
}
