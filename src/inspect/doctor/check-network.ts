import { isNftError } from '../../kernel/read-table.ts';
import { listWords } from '../../lib/unknown-values.ts';
import type { ChainFact, Facts } from './facts.ts';
import { hasIpv4, type Judgement, note, ok, problem, warning } from './finding.ts';

/** Chains that drop what they do not know: an accept in one table does not stop another table from dropping. */
export function checkForwardPolicy({ table, chains, unread }: Facts): Judgement {
  if (isNftError(chains)) {
    return note('whether another table drops what is forwarded could not be seen', chains.advice);
  }
  const droppers = chains.filter(
    (chain) =>
      chain.hook === 'forward' &&
      chain.policy === 'drop' &&
      ['ip', 'ip6', 'inet'].includes(chain.family) &&
      chain.table !== table,
  );
  if (droppers.length > 0) {
    return warning(
      `policy drop for what is forwarded: ${listWords(droppers.map(describeChain))}`,
      'Make sure that it accepts packets to and from pods (`ct status dnat` for Services), or set the policy to accept.',
    );
  }
  const unseen = unread.filter(({ tables }) => tables.includes('filter')).map(({ program }) => program);
  return unseen.length > 0
    ? note(
        `whether table filter of ${listWords(unseen)} (legacy) drops what is forwarded could not be seen`,
        'Install iptables on this node, so that iptables-legacy-save can be asked.',
      )
    : ok('no table drops by policy what is forwarded');
}

/** Pods are other hosts to the node: without forwarding they reach nothing. */
export function checkForwarding({ files }: Facts): Judgement {
  const ipv4 = files.forwarding?.trim();
  const ipv6 = files.forwarding6?.trim();
  if (ipv4 === undefined) {
    return note('net.ipv4.ip_forward could not be seen', 'It must be 1.');
  }
  if (ipv4 === '0' && ipv6 !== '1' && !hasIpv4(files)) {
    return problem(
      'neither IPv4 nor IPv6 is forwarded: what goes from or to pods is not',
      'Set net.ipv6.conf.all.forwarding = 1 in /etc/sysctl.d, and net.ipv4.ip_forward = 1 if pods have IPv4 addresses.',
    );
  }
  if (ipv4 === '0' && !hasIpv4(files)) {
    return note(
      'net.ipv4.ip_forward is 0; this node has no IPv4 routes, and IPv6 is forwarded',
      'Set net.ipv4.ip_forward = 1 in /etc/sysctl.d, if pods have IPv4 addresses.',
    );
  }
  if (ipv4 === '0') {
    return problem(
      'net.ipv4.ip_forward is 0: what goes from or to pods over IPv4 is not forwarded',
      'Set net.ipv4.ip_forward = 1 in /etc/sysctl.d.',
    );
  }
  return ipv6 === '0'
    ? warning(
        'net.ipv6.conf.all.forwarding is 0: what goes from or to pods over IPv6 is not forwarded',
        'Set net.ipv6.conf.all.forwarding = 1 in /etc/sysctl.d, if pods have IPv6 addresses.',
      )
    : ok(ipv6 === undefined ? 'IPv4 is forwarded' : 'IPv4 and IPv6 are forwarded');
}

/** RFC 3704: 1 is strict, 2 is loose. The larger of `all` and the interface's own counts. */
export function checkReversePath({ files }: Facts): Judgement {
  const [all, later] = [files.reversePath?.trim(), files.reversePathLater?.trim()];
  return all === '1' || (all === '0' && later === '1')
    ? note(
        `net.ipv4.conf.${all === '1' ? 'all' : 'default'}.rp_filter is 1: packets are dropped where the answer would leave by another interface`,
        'Set it to 2 (loose) where pods or clients are reached by more than one interface.',
      )
    : ok('reverse paths are not checked strictly');
}

/** kube-proxy's iptables mode sets it, for node ports on loopback addresses, which we do not serve. */
export function checkRouteLocalnet({ files }: Facts): Judgement {
  return files.routeLocalnet?.trim() === '1'
    ? note(
        'net.ipv4.conf.all.route_localnet is 1: neighbours can reach what listens on 127.0.0.1 (CVE-2020-8558)',
        'Set it to 0 if nothing else needs it; svc2nft does not, but kube-proxy sets it in iptables mode.',
      )
    : ok('loopback addresses are not routed');
}

function describeChain({ family, table, name, legacy }: ChainFact): string {
  return legacy
    ? `chain ${name} of ${family === 'ip6' ? 'ip6tables' : 'iptables'} (legacy)`
    : `chain ${family} ${table} ${name}`;
}

/** Between two pods on one bridge an answer passes no rule, and so is not translated back, unless br_netfilter sees it. */
export function checkBridges({ files, bridges }: Facts): Judgement {
  if (bridges.length === 0) {
    return ok('no bridge that pods are known to be on');
  }
  const blind = bridges.filter(({ calls }) => !passesRules(files.bridgeCalls, calls));
  const blind6 = bridges.filter(({ calls6 }) => !passesRules(files.bridgeCalls6, calls6));
  const misses4 = blind.length > 0 && hasIpv4(files);
  const misses6 = blind6.length > 0 && files.forwarding6 !== undefined;
  if (!misses4 && !misses6) {
    return ok(`bridged packets pass the rules (${bridges.map(({ name }) => name).join(', ')})`);
  }
  const settings = [
    ...(misses4 ? ['net.bridge.bridge-nf-call-iptables'] : []),
    ...(misses6 ? ['net.bridge.bridge-nf-call-ip6tables'] : []),
  ];
  const families = [...(misses4 ? ['IPv4'] : []), ...(misses6 ? ['IPv6'] : [])];
  const names = new Set([...(misses4 ? blind : []), ...(misses6 ? blind6 : [])].map(({ name }) => name));
  const what = `${listWords(families)} packets between pods on ${listWords([...names])} pass no rules: a pod does not reach Services on a pod of the same bridge`;
  const advice = `Load br_netfilter (/etc/modules-load.d) and set ${listWords(settings)} to 1 in /etc/sysctl.d`;
  // Whether pods have IPv6 addresses, nothing here tells; on a node without IPv4 they have no others.
  return misses4 || !hasIpv4(files)
    ? problem(what, `${advice}; it counts for nftables as well.`)
    : warning(what, `${advice}, if pods have IPv6 addresses.`);
}

/** The setting of all bridges is missing where br_netfilter is not loaded; a bridge's own is there, and does nothing. */
function passesRules(ofAll: string | undefined, own: string | undefined): boolean {
  return ofAll !== undefined && (ofAll.trim() === '1' || own?.trim() === '1');
}

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
