import { isNftError } from '../../kernel/nft-error.ts';
import { listWords } from '../../lib/text.ts';
import type { ChainFact, Facts } from './facts.ts';
import { hasIpv4, type Judgment, note, ok, problem, warning } from './finding.ts';

/** Whether another table drops forwarded packets by its policy. What one table accepts, another may still drop. */
export function checkForwardPolicy({ table, chains, unread }: Facts): Judgment {
  if (isNftError(chains)) {
    return note('could not check whether another table drops forwarded packets', chains.advice);
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
      `the policy for forwarded packets is drop: ${listWords(droppers.map(describeChain))}`,
      'Accept packets to and from pods there (`ct status dnat` matches those of Services), or set the policy to accept.',
    );
  }
  const unseen = unread.filter(({ tables }) => tables.includes('filter')).map(({ program }) => program);
  return unseen.length > 0
    ? note(
        `could not check whether table filter of ${listWords(unseen)} (legacy) drops forwarded packets`,
        'Install iptables on this node: svc2nft reads these tables with iptables-legacy-save.',
      )
    : ok('no table drops forwarded packets by policy');
}

/** Whether the node forwards packets. To the node, pods are other hosts: without forwarding they reach nothing. */
export function checkForwarding({ files }: Facts): Judgment {
  const ipv4 = files.forwarding?.trim();
  const ipv6 = files.forwarding6?.trim();
  if (ipv4 === undefined) {
    return note('could not read net.ipv4.ip_forward', 'Make sure that it is 1.');
  }
  if (ipv4 === '0' && ipv6 !== '1' && !hasIpv4(files)) {
    return problem(
      'IPv4 and IPv6 forwarding are off: the node forwards no packets to or from pods',
      'Set net.ipv4.ip_forward = 1 for IPv4 pods and net.ipv6.conf.all.forwarding = 1 for IPv6 pods in /etc/sysctl.d.',
    );
  }
  if (ipv4 === '0' && !hasIpv4(files)) {
    return note(
      'net.ipv4.ip_forward is 0, but this node has no IPv4 routes and forwards IPv6',
      'If pods have IPv4 addresses, set net.ipv4.ip_forward = 1 in /etc/sysctl.d.',
    );
  }
  if (ipv4 === '0') {
    return problem(
      'net.ipv4.ip_forward is 0: the node forwards no IPv4 packets to or from pods',
      'Set net.ipv4.ip_forward = 1 in /etc/sysctl.d.',
    );
  }
  return ipv6 === '0'
    ? warning(
        'net.ipv6.conf.all.forwarding is 0: the node forwards no IPv6 packets to or from pods',
        'If pods have IPv6 addresses, set net.ipv6.conf.all.forwarding = 1 in /etc/sysctl.d.',
      )
    : ok(ipv6 === undefined ? 'IPv4 forwarding is on' : 'IPv4 and IPv6 forwarding are on');
}

/**
 * Whether the reverse path filter is strict (RFC 3704: 1 is strict, 2 is loose). The larger of `all` and the
 * interface's own value counts.
 */
export function checkReversePath({ files }: Facts): Judgment {
  const [all, later] = [files.reversePath?.trim(), files.reversePathLater?.trim()];
  return all === '1' || (all === '0' && later === '1')
    ? note(
        `net.ipv4.conf.${all === '1' ? 'all' : 'default'}.rp_filter is 1: packets are dropped if the answer would leave through another interface`,
        'Set it to 2 (loose) if pods or clients are reached through more than one interface.',
      )
    : ok('no strict reverse path filter');
}

/**
 * Whether loopback addresses are routed. kube-proxy's iptables mode sets this for node ports on loopback addresses, and so does
 * svc2nft for rules of iptables, which have a guard; nftables does not need it.
 */
export function checkRouteLocalnet({ files, chains }: Facts): Judgment {
  if (!isNftError(chains) && chains.some(({ name }) => name === 'SVC2NFT-LOOPBACK')) {
    return ok('rules of svc2nft for iptables guard loopback addresses');
  }
  return files.routeLocalnet?.trim() === '1'
    ? note(
        'net.ipv4.conf.all.route_localnet is 1: neighbors can reach what listens on 127.0.0.1 (CVE-2020-8558)',
        'Set it to 0 unless another program needs it. kube-proxy sets it in iptables mode; tables of svc2nft do not need it.',
      )
    : ok('net.ipv4.conf.all.route_localnet is not 1');
}

function describeChain({ family, table, name, legacy }: ChainFact): string {
  return legacy
    ? `chain ${name} of ${family === 'ip6' ? 'ip6tables' : 'iptables'} (legacy)`
    : `chain ${family} ${table} ${name}`;
}

/**
 * Whether bridged packets pass the rules. Without br_netfilter, answers between two pods on one bridge are not
 * translated back.
 */
export function checkBridges({ files, bridges }: Facts): Judgment {
  if (bridges.length === 0) {
    return ok('no known pod bridge');
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
  const what = `${listWords(families)} packets between pods on ${listWords([...names])} bypass the rules: a pod cannot use a Service whose endpoint is on the same bridge`;
  const advice = `Load br_netfilter (/etc/modules-load.d) and set ${listWords(settings)} to 1 in /etc/sysctl.d`;
  // Nothing here says whether pods have IPv6 addresses; on a node without IPv4 they have no others.
  return misses4 || !hasIpv4(files)
    ? problem(what, `${advice}; these settings apply to nftables as well.`)
    : warning(what, `${advice}, if pods have IPv6 addresses.`);
}

/** Without br_netfilter the global setting is missing; a bridge's own one is there, but has no effect. */
function passesRules(ofAll: string | undefined, own: string | undefined): boolean {
  return ofAll !== undefined && (ofAll.trim() === '1' || own?.trim() === '1');
}

interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The default of the API server's --service-node-port-range. */
const nodePorts: PortRange = { first: 30_000, last: 32_767 };

/** Whether local programs may get ports that are node ports, whose packets go to Services instead. */
export function checkLocalPorts({ files }: Facts): Judgment {
  const [local] = readRanges(files.localPorts?.trim().replace(/\s+/, '-') ?? '');
  if (!local) {
    return note('could not read net.ipv4.ip_local_port_range', 'Make sure that it does not include 30000-32767.');
  }
  const shared = { first: Math.max(local.first, nodePorts.first), last: Math.min(local.last, nodePorts.last) };
  const free = firstOutside(shared, readRanges(files.reservedPorts ?? ''));
  return free === undefined
    ? ok(`local ports (${local.first}-${local.last}) do not overlap node ports (30000-32767)`)
    : warning(
        `local ports (${local.first}-${local.last}) overlap node ports (30000-32767): programs that get one of them miss packets`,
        'Set net.ipv4.ip_local_reserved_ports = 30000-32767, or to the range of the API server (--service-node-port-range).',
      );
}

/** `30000-32767,8080`, as the kernel writes it. */
function readRanges(text: string): readonly PortRange[] {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].map(([, first = '', last = first]) => ({
    first: Number(first),
    last: Number(last),
  }));
}

/** The first port of a range that is in none of the others, which the kernel keeps sorted; undefined if all are. */
function firstOutside({ first, last }: PortRange, others: readonly PortRange[]): number | undefined {
  let port = first;
  for (const other of others) {
    if (other.first <= port && port <= other.last) {
      port = other.last + 1;
    }
  }
  return port <= last ? port : undefined;
}
