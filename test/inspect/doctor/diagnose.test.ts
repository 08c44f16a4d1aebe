import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { diagnose } from '../../../src/inspect/doctor/diagnose.ts';
import type { BridgeFact, Facts } from '../../../src/inspect/doctor/facts.ts';
import { type FindingCode, findingCodes } from '../../../src/inspect/doctor/finding.ts';
import { createNftError, createUnreadable, type NftError } from '../../../src/kernel/nft-error.ts';
import { healthyFacts, withChains, withFiles, withInterfaces } from './healthy-facts.ts';

/** The findings that are not ok: `problem ip-forwarding: ...`. */
function complaints(facts: Facts): string[] {
  return diagnose(facts)
    .filter(({ status }) => status !== 'ok')
    .map(({ status, code, what }) => `${status} ${code}: ${what}`);
}

const notFound = createNftError('not-found', ['nft is not installed']);
const noPermission = createNftError('no-permission', ['netlink: Error: cache initialization failed']);
const notExecutable: NftError = { ...createNftError('no-permission', ['nft is not executable']), advice: 'Make it.' };
const comment = 'Kubernetes Services, by svc2nft';

test('a healthy node: one finding per code, all ok, without advice', () => {
  const findings = diagnose(healthyFacts);
  expect(findings.map(({ code }) => code)).toEqual(findingCodes);
  expect(findings.map(({ status, advice }) => [status, advice])).toEqual(findingCodes.map(() => ['ok', undefined]));
});

test('the documentation has a section for each code, in the same order, and links lead there', () => {
  const page = readFileSync(new URL('../../../docs/doctor.md', import.meta.url), 'utf8');
  expect([...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(findingCodes);
  expect(diagnose(healthyFacts).map(({ link }) => link)).toEqual(findingCodes.map((code) => `docs/doctor.md#${code}`));
});

type Case = [what: string, facts: Facts, ...complaints: string[]];

const ofNft: Case[] = [
  [
    'no nft',
    { ...healthyFacts, nft: notFound, chains: notFound },
    'problem nft: nft is not installed',
    'note nft-json: could not check whether nft prints JSON',
    'note permission: could not check whether rules may be changed',
    'note kernel: Linux 6.8.0-45-generic',
    'note own-table: could not check table svc2nft',
    'note same-rules: could not check for other tables that translate Services',
    'note kube-proxy-nftables: could not check for tables of kube-proxy',
    'note kube-proxy-iptables: could not check for iptables rules of kube-proxy',
    'note forward-policy: could not check whether another table drops forwarded packets',
  ],
  [
    'nft that is not executable',
    {
      ...healthyFacts,
      nft: notExecutable,
      chains: notExecutable,
      features: { kind: 'not-probed', said: 'unshare: failed to execute nft: Permission denied' },
    },
    'problem nft: nft is not executable',
    'note nft-json: could not check whether nft prints JSON',
    'note permission: could not check whether rules may be changed',
    'note kernel: Linux 6.8.0-45-generic',
    'note kernel-features: not tried, because nft is not executable',
    'note own-table: could not check table svc2nft',
    'note same-rules: could not check for other tables that translate Services',
    'note kube-proxy-nftables: could not check for tables of kube-proxy',
    'note kube-proxy-iptables: could not check for iptables rules of kube-proxy',
    'note forward-policy: could not check whether another table drops forwarded packets',
  ],
  [
    'an old nft',
    { ...healthyFacts, nft: createNftError('nft-too-old', ['nftables v0.9.8']) },
    'problem nft: nftables v0.9.8',
    'note kernel: Linux 6.8.0-45-generic',
  ],
  [
    'an old kernel',
    { ...healthyFacts, nft: createNftError('kernel-too-old', ['Linux 5.4.0']) },
    'problem kernel: Linux 5.4.0 is too old',
  ],
  [
    'no version of the kernel',
    withFiles({ release: undefined, liberal: '1\n' }),
    'note kernel: could not read the kernel version',
  ],
  [
    'a kernel without IPv6',
    {
      ...healthyFacts,
      features: {
        kind: 'probed',
        missing: [{ family: 'ip6', feature: 'tables and chains', module: 'nf_tables', said: 'not supported' }],
      },
    },
    'warning kernel-features: the kernel has no nftables for IPv6 (not supported)',
  ],
  [
    'a kernel without modules',
    {
      ...healthyFacts,
      features: {
        kind: 'probed',
        missing: [
          { family: 'ip', feature: 'random numbers (numgen)', module: 'nft_numgen', said: 'No such file' },
          { family: 'ip6', feature: 'random numbers (numgen)', module: 'nft_numgen', said: 'No such file' },
          { family: 'ip6', feature: 'reject', module: 'nft_reject_ipv6', said: 'other' },
        ],
      },
    },
    'problem kernel-features: the kernel refuses random numbers (numgen) (ip, ip6) and reject (ip6): No such file',
  ],
  [
    'no namespace to try in',
    { ...healthyFacts, features: { kind: 'not-probed', said: 'unshare: Operation not permitted' } },
    'note kernel-features: not tried, because no network namespace can be created: unshare: Operation not permitted',
  ],
];

const ofTables: Case[] = [
  [
    'legacy iptables, with no program to list it',
    { ...healthyFacts, unread: [{ program: 'iptables', tables: ['nat', 'filter'] }] },
    'warning kube-proxy-iptables: tables nat, filter of iptables (legacy) are in use and could not be read, and may belong to kube-proxy',
    'note forward-policy: could not check whether table filter of iptables (legacy) drops forwarded packets',
  ],
  [
    'one table of legacy ip6tables',
    { ...healthyFacts, unread: [{ program: 'ip6tables', tables: ['nat'] }] },
    'warning kube-proxy-iptables: table nat of ip6tables (legacy) is in use and could not be read, and may belong to kube-proxy',
  ],
  [
    'legacy iptables of which one family could be listed',
    { ...withChains('legacy ip nat KUBE-SERVICES'), unread: [{ program: 'ip6tables', tables: ['nat'] }] },
    'problem kube-proxy-iptables: kube-proxy also translates Services: KUBE-SERVICES in iptables (legacy)',
  ],
  ['a table of svc2nft', { ...withChains('ip svc2nft services'), ownTables: [{ family: 'ip', comment, flags: [] }] }],
  [
    'a table that an agent owns, and one that it has left',
    {
      ...withChains('ip svc2nft services', 'ip6 svc2nft services'),
      ownTables: [
        { family: 'ip', comment, flags: ['owner', 'persist'] },
        { family: 'ip6', comment, flags: ['persist'] },
      ],
    },
  ],
  [
    'a dormant table',
    { ...withChains('ip svc2nft services'), ownTables: [{ family: 'ip', comment, flags: ['dormant'] }] },
    'problem own-table: table ip svc2nft has the flag dormant; a dormant table does nothing',
  ],
  [
    'a table that nft cannot read',
    {
      ...withChains('ip svc2nft services', 'ip6 svc2nft services'),
      ownTables: [
        { family: 'ip', comment, flags: [] },
        {
          family: 'ip6',
          comment: undefined,
          flags: [],
          error: createUnreadable(createNftError('crashed', ['ended by SIGSEGV'])),
        },
      ],
    },
    'problem own-table: table ip6 svc2nft cannot be read: nft cannot read the tables here; a newer nft may have written them: ended by SIGSEGV',
  ],
  [
    'a table with that name of another program',
    { ...withChains('ip6 svc2nft mine'), ownTables: [{ family: 'ip6', comment: undefined, flags: [] }] },
    'warning own-table: table ip6 svc2nft was not created by svc2nft: its comment is missing',
  ],
  [
    'unknown chains in the table',
    { ...withChains('ip svc2nft services', 'ip svc2nft mine'), ownTables: [{ family: 'ip', comment, flags: [] }] },
    'note own-table: table svc2nft has 1 chain that svc2nft does not know: mine',
  ],
  ['an inet table with that name', withChains('inet svc2nft mine')],
  [
    'a second svc2nft',
    withChains('ip6 older nat-prerouting nat prerouting accept', 'ip6 older services'),
    'problem same-rules: table ip6 older has the base chains of svc2nft and also translates Services; the table loaded last wins',
  ],
  [
    'a second svc2nft in both families',
    withChains(
      ...['ip', 'ip6'].flatMap((family) => [
        `${family} two nat-prerouting nat prerouting accept`,
        `${family} two services`,
      ]),
    ),
    'problem same-rules: table ip two and table ip6 two have the base chains of svc2nft and also translate Services; the table loaded last wins',
  ],
  [
    'rules of svc2nft for iptables beside its table',
    withChains('ip svc2nft services', 'ip nat SVC2NFT-SERVICES', 'legacy ip6 nat SVC2NFT-SERVICES'),
    'problem same-rules: rules of svc2nft for iptables also translate Services: SVC2NFT-SERVICES in iptables (nft) and ip6tables (legacy)',
  ],
  ['rules of svc2nft for iptables alone', withChains('ip nat SVC2NFT-SERVICES')],
  [
    'another base chain with that name',
    withChains('ip home nat-prerouting nat prerouting accept', 'ip6 home services'),
  ],
  [
    'kube-proxy, nftables mode',
    withChains('ip kube-proxy nat-prerouting nat prerouting accept', 'ip kube-proxy services', 'ip6 kube-proxy x'),
    'problem kube-proxy-nftables: kube-proxy also translates Services: table ip kube-proxy and table ip6 kube-proxy',
  ],
  [
    'kube-proxy, iptables mode',
    withChains('ip nat KUBE-SERVICES', 'legacy ip nat KUBE-SERVICES', 'legacy ip6 nat KUBE-SERVICES'),
    'problem kube-proxy-iptables: kube-proxy also translates Services: KUBE-SERVICES in iptables (nft), iptables (legacy) and ip6tables (legacy)',
  ],
  ['what the kubelet leaves in iptables', withChains('ip nat KUBE-KUBELET-CANARY', 'ip mangle KUBE-SERVICES')],
  [
    'kube-proxy, ipvs mode',
    withInterfaces(['kube-ipvs0'], {
      ipvs: 'IP Virtual Server version 1.2.1\nTCP  0A600001:01BB rr \n  -> 0A0A:1 Masq\n',
    }),
    'problem kube-proxy-ipvs: kube-proxy also serves Services: interface kube-ipvs0, IPVS with 1 virtual service',
  ],
  [
    'IPVS of another program',
    withFiles({ ipvs: 'IP Virtual Server\nTCP  0A600001:01BB rr \nUDP  0A600001:0035 rr \n' }),
    'note kube-proxy-ipvs: IPVS has 2 virtual services, but the interface of kube-proxy does not exist',
  ],
  [
    'Cilium',
    withInterfaces(['cilium_host', 'cilium_net']),
    'note other-proxies: Cilium (kubeProxyReplacement): interface cilium_host may translate Services itself, invisible to nft',
  ],
  [
    'Docker',
    withChains('ip filter FORWARD filter forward drop', 'legacy ip6 filter FORWARD filter forward drop'),
    'warning forward-policy: the policy for forwarded packets is drop: chain ip filter FORWARD and chain FORWARD of ip6tables (legacy)',
  ],
  [
    'policy drop elsewhere',
    withChains('ip filter INPUT filter input drop', 'bridge filter FORWARD filter forward drop'),
  ],
];

const noRoutes = 'Iface\tDestination\tGateway \nlo\t0000007F\t00000000\n';
const unseenBridge =
  'packets between pods on cni0 bypass the rules: a pod cannot use a Service whose endpoint is on the same bridge';

function withBridge(files: Facts['files'], own: Partial<BridgeFact> = {}): Facts {
  return { ...withFiles(files), bridges: [{ name: 'cni0', calls: '0\n', calls6: '0\n', ...own }] };
}

function withoutIpv6({ files: { forwarding6: _, ...files }, ...facts }: Facts): Facts {
  return { ...facts, files };
}

const ofSettings: Case[] = [
  [
    'no IPv4 forwarding',
    withFiles({ forwarding: '0\n' }),
    'problem ip-forwarding: net.ipv4.ip_forward is 0: the node forwards no IPv4 packets to or from pods',
  ],
  [
    'no IPv6 forwarding',
    withFiles({ forwarding6: '0\n' }),
    'warning ip-forwarding: net.ipv6.conf.all.forwarding is 0: the node forwards no IPv6 packets to or from pods',
  ],
  ['no IPv6', withFiles({ forwarding6: undefined })],
  ['no /proc/sys', withFiles({ forwarding: undefined }), 'note ip-forwarding: could not read net.ipv4.ip_forward'],
  [
    'no IPv4 forwarding on a node without IPv4',
    withFiles({ forwarding: '0\n', routes: noRoutes }),
    'note ip-forwarding: net.ipv4.ip_forward is 0, but this node has no IPv4 routes and forwards IPv6',
  ],
  [
    'no forwarding at all on a node without IPv4',
    withFiles({ forwarding: '0\n', forwarding6: '0\n', routes: noRoutes }),
    'problem ip-forwarding: IPv4 and IPv6 forwarding are off: the node forwards no packets to or from pods',
  ],
  [
    'no IPv4 forwarding, and routes that cannot be seen',
    withFiles({ forwarding: '0\n', routes: undefined }),
    'problem ip-forwarding: net.ipv4.ip_forward is 0: the node forwards no IPv4 packets to or from pods',
  ],
  ['a bridge of pods', withBridge({ bridgeCalls: '1\n', bridgeCalls6: '1\n' })],
  [
    'a bridge of pods whose packets bypass the rules',
    withBridge({ bridgeCalls: '0\n', bridgeCalls6: '0\n' }),
    `problem bridge-netfilter: IPv4 and IPv6 ${unseenBridge}`,
  ],
  [
    'a bridge without br_netfilter, whatever its own settings say',
    withBridge({}, { calls: '1\n', calls6: '1\n' }),
    `problem bridge-netfilter: IPv4 and IPv6 ${unseenBridge}`,
  ],
  [
    'a bridge whose IPv4 packets bypass the rules',
    withBridge({ bridgeCalls: '0\n', bridgeCalls6: '1\n' }),
    `problem bridge-netfilter: IPv4 ${unseenBridge}`,
  ],
  [
    'a bridge whose IPv6 packets bypass the rules',
    withBridge({ bridgeCalls: '1\n', bridgeCalls6: '0\n' }),
    `warning bridge-netfilter: IPv6 ${unseenBridge}`,
  ],
  [
    'the same on a node without IPv4',
    withBridge({ bridgeCalls: '0\n', bridgeCalls6: '0\n', routes: noRoutes }),
    `problem bridge-netfilter: IPv6 ${unseenBridge}`,
  ],
  ['the same on a node without IPv6', withoutIpv6(withBridge({ bridgeCalls: '1\n', bridgeCalls6: '0\n' }))],
  [
    'a bridge with its own settings on',
    withBridge({ bridgeCalls: '0\n', bridgeCalls6: '0\n' }, { calls: '1\n', calls6: '1\n' }),
  ],
  [
    'strict reverse paths',
    withFiles({ reversePath: '1\n' }),
    'note reverse-path-filter: net.ipv4.conf.all.rp_filter is 1: packets are dropped if the answer would leave through another interface',
  ],
  [
    'strict reverse paths of later interfaces',
    withFiles({ reversePathLater: '1\n' }),
    'note reverse-path-filter: net.ipv4.conf.default.rp_filter is 1: packets are dropped if the answer would leave through another interface',
  ],
  ['loose wins over strict', withFiles({ reversePath: '2\n', reversePathLater: '1\n' })],
  [
    'loopback addresses that are routed',
    withFiles({ routeLocalnet: '1\n' }),
    'note route-localnet: net.ipv4.conf.all.route_localnet is 1: neighbors can reach what listens on 127.0.0.1 (CVE-2020-8558)',
  ],
  [
    'loopback addresses that are routed, and guarded',
    { ...withFiles({ routeLocalnet: '1\n' }), chains: withChains('ip filter SVC2NFT-LOOPBACK').chains },
  ],
  [
    'local ports among node ports',
    withFiles({ localPorts: '1024\t65535\n', reservedPorts: '30000-30099,30101-32767\n' }),
    'warning local-ports: local ports (1024-65535) overlap node ports (30000-32767): programs that get one of them miss packets',
  ],
  [
    'node ports that are reserved',
    withFiles({ localPorts: '1024\t65535\n', reservedPorts: '80,30000-31000,31001-32767\n' }),
  ],
  ['local ports below', withFiles({ localPorts: '1024\t29999\n' })],
  [
    'local ports that cannot be seen',
    withFiles({ localPorts: undefined }),
    'note local-ports: could not read net.ipv4.ip_local_port_range',
  ],
  [
    'no conntrack program',
    { ...healthyFacts, hasConntrack: false },
    'warning conntrack-program: conntrack is not installed: existing UDP flows to removed endpoints continue until idle',
  ],
  [
    'a conntrack table that is nearly full',
    withFiles({ flowCount: '80\n', flowLimit: '100\n' }),
    'warning conntrack-table: the conntrack table has 80 of 100 connections',
  ],
  [
    'a large conntrack table that is nearly full',
    withFiles({ flowCount: '240000\n', flowLimit: '262144\n' }),
    'warning conntrack-table: the conntrack table has 240,000 of 262,144 connections',
  ],
  [
    'a conntrack table that is full',
    withFiles({ flowCount: '100\n', flowLimit: '100\n' }),
    'problem conntrack-table: the conntrack table is full: 100 of 100 connections; new ones are dropped',
  ],
  [
    'no conntrack table',
    withFiles({ flowCount: undefined }),
    'note conntrack-table: could not read the size of the conntrack table',
  ],
  [
    'a kernel that resets connections',
    withFiles({ release: '5.15.0-1\n' }),
    'note conntrack-liberal: net.netfilter.nf_conntrack_tcp_be_liberal is not 1: before Linux 6.1, late TCP packets may reset connections',
  ],
  ['the same, fixed by the setting', withFiles({ release: '6.0.12\n', liberal: '1\n' })],
];

const unit = 'ExecStart=/usr/sbin/nft -f /etc/nftables.conf\nExecStop=/usr/sbin/nft flush ruleset\n';

const ofServices: Case[] = [
  [
    'no permission',
    { ...withFiles({ process: 'CapEff:\t00000000a80425fb\n' }), chains: noPermission },
    'problem permission: this process lacks CAP_NET_ADMIN: it may not read or change rules, so many checks below are incomplete',
    'note own-table: could not check table svc2nft',
    'note same-rules: could not check for other tables that translate Services',
    'note kube-proxy-nftables: could not check for tables of kube-proxy',
    'note kube-proxy-iptables: could not check for iptables rules of kube-proxy',
    'note forward-policy: could not check whether another table drops forwarded packets',
  ],
  [
    'a user namespace',
    withFiles({ userIds: '0 1000 1\n', sendBuffer: '212992\n' }),
    'note user-namespace: in a user namespace, the host limits the size of a transaction (net.core.wmem_max is 212992)',
  ],
  [
    'nftables.service',
    { ...withFiles({ nftRules: '#!/usr/sbin/nft -f\n\nflush ruleset\n' }), services: { nftables: unit } },
    'warning flush-ruleset: nftables.service is enabled and flushes the whole ruleset, including that of svc2nft (/etc/nftables.conf and when it stops)',
  ],
  [
    'nftables.service that flushes only when it stops',
    { ...withFiles({ nftRules: '# flush ruleset\ntable inet filter {\n}\n' }), services: { nftables: unit } },
    'warning flush-ruleset: nftables.service is enabled and flushes the whole ruleset, including that of svc2nft (when it stops)',
  ],
  ['nftables.service that never flushes', { ...healthyFacts, services: { nftables: 'ExecStart=nft -f x\n' } }],
  ['rules with a flush, not enabled', withFiles({ nftRules: 'flush ruleset', nftRulesFedora: 'flush ruleset' })],
  [
    'strict firewalld',
    { ...withFiles({ firewalld: '# comment\nStrictForwardPorts=yes\n' }), services: { firewalld: '' } },
    'warning firewall-services: firewalld is enabled with StrictForwardPorts=yes: it rejects what other programs translate, so all Services',
  ],
  ['strict firewalld that is not enabled', withFiles({ firewalld: 'StrictForwardPorts=yes\n' })],
  [
    'ufw',
    { ...healthyFacts, services: { ufw: '' } },
    'note firewall-services: ufw drops forwarded packets unless DEFAULT_FORWARD_POLICY is ACCEPT',
  ],
  [
    'firewalld and docker',
    { ...healthyFacts, services: { docker: '', firewalld: '' } },
    'note firewall-services: firewalld may flush all iptables rules when it reloads, including those of CNI plugins, but not the nft tables of other programs; docker may set the policy for forwarded packets to drop (see ip-forward-no-drop)',
  ],
  [
    'saved rules of kube-proxy',
    withFiles({ savedRules: ':KUBE-SERVICES - [0:0]\n', nftRules: 'table ip kube-proxy {\n' }),
    'warning saved-rules: saved rules of kube-proxy will be restored when these files are loaded: /etc/iptables/rules.v4 and /etc/nftables.conf',
  ],
  ['saved rules of other programs', withFiles({ savedRules: ':KUBE-KUBELET-CANARY - [0:0]\n' })],
];

describe.each([
  ['nft and the kernel', ofNft],
  ['tables and other proxies', ofTables],
  ['settings', ofSettings],
  ['permission and services', ofServices],
])('%s', (_, cases) => {
  test.each(cases)('%s', (_what, facts, ...expected) => {
    expect(complaints(facts)).toEqual(expected);
  });
});

describe('nft without JSON', () => {
  const noJson = createNftError('refused', ['Error: JSON support not compiled-in']);

  test('is a problem of its own', () => {
    expect(complaints({ ...healthyFacts, chains: noJson, lacksJson: true })).toContain(
      'problem nft-json: nft was built without JSON: tables cannot be read, so svc2nft apply and diff fail',
    );
  });

  test('is distinguished from other failures', () => {
    const crashed = createNftError('crashed', ['ended by SIGSEGV']);
    expect(complaints({ ...healthyFacts, chains: crashed })).toContain(
      'problem nft-json: nft -j list chains fails: crashed: ended by SIGSEGV',
    );
  });
});

test('rules with a flush are named even if nothing loads them', () => {
  const finding = diagnose(withFiles({ nftRules: 'flush ruleset' })).find(({ code }) => code === 'flush-ruleset');
  expect(finding?.what).toBe('nftables.service, which would flush the ruleset, is not enabled (/etc/nftables.conf)');
});

test('an nft that is not executable does not lead to advice about root', () => {
  const findings = diagnose({ ...healthyFacts, nft: notExecutable, chains: notExecutable });
  expect(findings.find(({ code }) => code === 'nft')?.advice).toBe('Make it.');
  expect(findings.filter(({ advice = '' }) => /root|CAP_NET_ADMIN/.test(advice))).toEqual([]);
});

test('CAP_NET_ADMIN that does not help is distinguished from none', () => {
  const capable = { ...healthyFacts, chains: noPermission };
  expect(complaints(capable)[0]).toBe(
    'problem permission: this process may not read rules, although it has CAP_NET_ADMIN',
  );
});

test('each code is found by one of the cases, and every finding has advice', () => {
  const all = [...ofNft, ...ofTables, ...ofSettings, ...ofServices].flatMap(([, facts]) => diagnose(facts));
  const found = all.filter(({ status }) => status !== 'ok');
  expect(new Set<FindingCode>(found.map(({ code }) => code))).toEqual(new Set(findingCodes));
  expect(found.filter(({ advice = '' }) => !advice.endsWith('.'))).toEqual([]);
});
