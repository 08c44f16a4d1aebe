import {
  checkBridges,
  checkForwarding,
  checkForwardPolicy,
  checkLocalPorts,
  checkReversePath,
  checkRouteLocalnet,
} from './check-network.ts';
import { checkFirewallServices, checkFlushes, checkSavedRules } from './check-services.ts';
import {
  checkKubeProxyIptables,
  checkKubeProxyIpvs,
  checkKubeProxyNftables,
  checkOtherProxies,
  checkOwnTable,
  checkSameRules,
} from './check-tables.ts';
import {
  checkConntrackProgram,
  checkConntrackTable,
  checkLiberal,
  checkNft,
  checkNftJson,
  checkPermission,
  checkUserNamespace,
} from './check-tools.ts';
import type { Facts } from './facts.ts';
import { type DoctorFinding, type FindingCode, findingCodes, type Judgment } from './finding.ts';
import { checkFeatures, checkKernel } from './kernel-features.ts';

/** One finding of each check, in the order of the codes. */
export function diagnose(facts: Facts): readonly DoctorFinding[] {
  return findingCodes.map((code) => ({ code, ...checks[code](facts), link: `docs/doctor.md#${code}` }));
}

const checks: Readonly<Record<FindingCode, (facts: Facts) => Judgment>> = {
  nft: checkNft,
  'nft-json': checkNftJson,
  permission: checkPermission,
  'user-namespace': checkUserNamespace,
  kernel: checkKernel,
  'kernel-features': checkFeatures,
  'own-table': checkOwnTable,
  'same-rules': checkSameRules,
  'kube-proxy-nftables': checkKubeProxyNftables,
  'kube-proxy-iptables': checkKubeProxyIptables,
  'kube-proxy-ipvs': checkKubeProxyIpvs,
  'other-proxies': checkOtherProxies,
  'forward-policy': checkForwardPolicy,
  'ip-forwarding': checkForwarding,
  'bridge-netfilter': checkBridges,
  'reverse-path-filter': checkReversePath,
  'route-localnet': checkRouteLocalnet,
  'local-ports': checkLocalPorts,
  'conntrack-program': checkConntrackProgram,
  'conntrack-table': checkConntrackTable,
  'conntrack-liberal': checkLiberal,
  'flush-ruleset': checkFlushes,
  'firewall-services': checkFirewallServices,
  'saved-rules': checkSavedRules,
};
