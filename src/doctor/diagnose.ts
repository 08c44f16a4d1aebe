import { checkBridges } from './check-bridges.ts';
import { checkConntrackProgram, checkConntrackTable, checkLiberal } from './check-conntrack.ts';
import { checkForwarding, checkForwardPolicy, checkReversePath, checkRouteLocalnet } from './check-forwarding.ts';
import { checkFeatures, checkKernel } from './check-kernel.ts';
import { checkLocalPorts } from './check-local-ports.ts';
import { checkJson, checkNft } from './check-nft.ts';
import {
  checkKubeProxyIptables,
  checkKubeProxyIpvs,
  checkKubeProxyNftables,
  checkOtherProxies,
} from './check-other-proxies.ts';
import { checkOwnTable, checkSameRules } from './check-own-table.ts';
import { checkPermission, checkUserNamespace } from './check-permission.ts';
import { checkFirewallServices, checkFlushes, checkSavedRules } from './check-services.ts';
import type { Facts } from './facts.ts';
import { type Finding, type FindingCode, findingCodes, type Judgement } from './finding.ts';

/** One finding of each check, in the order of the codes. */
export function diagnose(facts: Facts): readonly Finding[] {
  return findingCodes.map((code) => ({ code, ...checks[code](facts), link: `docs/doctor.md#${code}` }));
}

const checks: Readonly<Record<FindingCode, (facts: Facts) => Judgement>> = {
  nft: checkNft,
  'nft-json': checkJson,
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
