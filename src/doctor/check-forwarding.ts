import { isNftError } from '../apply/read-table.ts';
import { listWords } from '../describe-value.ts';
import type { ChainFact, Facts } from './facts.ts';
import { type Judgement, note, ok, problem, warning } from './finding.ts';
import { hasIpv4 } from './has-ipv4.ts';

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
