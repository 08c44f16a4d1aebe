import { listWords } from '../describe-value.ts';
import type { Facts } from './facts.ts';
import { type Judgement, ok, problem, warning } from './finding.ts';
import { hasIpv4 } from './has-ipv4.ts';

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
