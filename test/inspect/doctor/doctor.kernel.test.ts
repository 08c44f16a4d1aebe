import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import type { DoctorFinding } from '../../../src/inspect/doctor/finding.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { mustRun } from '../../support/must-run.ts';
import { withoutProgress } from '../../support/without-progress.ts';

const program = `${process.execPath} ${resolve('bin/svc2nft.js')}`;
const otherUser = 'setpriv --reuid=65534 --regid=65534 --clear-groups';

/** What belongs to the machine and not to the network namespace, so that it may be anything. */
const ofMachine = ['user-namespace', 'flush-ruleset', 'firewall-services', 'saved-rules', 'conntrack-liberal'];

/** A node's settings; not every kernel has the second. */
const settings = `
  echo 1 >/proc/sys/net/ipv4/ip_forward
  [ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
  echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range
`;

interface Examination {
  /** Those that depend on the namespace and are not ok: `problem kube-proxy-nftables: ...`. */
  readonly complaints: readonly string[];
  readonly findings: readonly DoctorFinding[];
  readonly exitCode: number | undefined;
}

/** What the doctor says in a network namespace of its own after a script; rules and settings must stay as they were. */
async function examine(script: string, { user = '' } = {}): Promise<Examination> {
  const result = await execa(
    'unshare',
    [
      '--net',
      '--mount',
      'bash',
      '-c',
      `set -e
      state() { nft list ruleset; cat /proc/sys/net/ipv4/ip_forward /proc/net/ip_tables_names 2>/dev/null || true; }
      ${settings}
      ${script}
      before=$(state)
      code=0
      ${user} ${program} doctor -o json || code=$?
      [ "$before" = "$(state)" ] || { echo 'the doctor changed something' >&2; exit 9; }
      exit $code`,
    ],
    { reject: false },
  );
  expect(withoutProgress(result.stderr)).toBe('');
  const findings: readonly DoctorFinding[] = JSON.parse(result.stdout).findings;
  const complaints = findings
    .filter(({ code, status }) => status !== 'ok' && !ofMachine.includes(code))
    .map(({ status, code, what }) => `${status} ${code}: ${what}`);
  return { complaints, findings, exitCode: result.exitCode };
}

/** What a finding says. */
function whatOf({ findings }: Examination, wanted: string): string | undefined {
  return findings.find(({ code }) => code === wanted)?.what;
}

const legacy = kernelTestsRun
  ? await execa('unshare', ['--net', 'iptables-legacy', '-t', 'nat', '-N', 'KUBE-SERVICES'], { reject: false })
  : undefined;
const legacyRuns = legacy?.failed === false || mustRun();
if (legacy && !legacyRuns) {
  console.warn(`tests of legacy iptables are skipped: ${legacy.stderr || 'it is not installed'}`);
}

const bridgesFiltered = existsSync('/proc/sys/net/bridge') || mustRun();
if (kernelTestsRun && !bridgesFiltered) {
  console.warn('a test of bridges is skipped: br_netfilter is not loaded');
}

describe.skipIf(!kernelTestsRun)('in the kernel', () => {
  test('an empty node has no problems, and accepts all kinds of rules', async () => {
    const node = await examine('');
    expect(node).toMatchObject({ complaints: [], exitCode: 0 });
    expect(whatOf(node, 'kernel-features')).toBe('the kernel accepts all 11 kinds of rules, for IPv4 and IPv6');
    expect(whatOf(node, 'own-table')).toBe('there is no table svc2nft yet');
    expect(whatOf(node, 'ip-forwarding')).toBe('IPv4 and IPv6 forwarding are on');
  });

  test('what compile prints is recognized', async () => {
    const node = await examine(`echo '{"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n"}}' |
      ${program} compile - --cluster-cidr 10.244.0.0/16,fd00:10:244::/56 --node-ip 192.0.2.1 2>/dev/null | nft -f -`);
    expect(node).toMatchObject({ complaints: [], exitCode: 0 });
    expect(whatOf(node, 'own-table')).toMatch(/^table svc2nft exists for ip and ip6 \(\d+ chains\)$/);
  });

  test('other proxies and chains that drop are found', async () => {
    const node = await examine(`
      nft -f - <<'END'
      table ip kube-proxy {
        chain nat-prerouting {
          type nat hook prerouting priority -100; policy accept;
        }
        chain services {
        }
      }
      table ip6 second {
        chain nat-prerouting {
          type nat hook prerouting priority -100; policy accept;
        }
        chain services {
        }
      }
      table ip nat {
        chain KUBE-SERVICES {
        }
      }
      table inet guard {
        chain forward {
          type filter hook forward priority 0; policy drop;
        }
      }
END
      ip link add kube-ipvs0 type bridge
      ip link add cilium_host type bridge
      ip link add uplink type bridge
      ip link set uplink up
      ip address add 192.0.2.1/24 dev uplink
      echo 0 >/proc/sys/net/ipv4/ip_forward
      echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range
    `);
    expect(node.exitCode).toBe(1);
    expect(node.complaints).toEqual([
      'problem same-rules: table ip6 second has the base chains of svc2nft and also translates Services; the table loaded last wins',
      'problem kube-proxy-nftables: kube-proxy also translates Services: table ip kube-proxy',
      'problem kube-proxy-iptables: kube-proxy also translates Services: KUBE-SERVICES in iptables (nft)',
      expect.stringMatching(
        /^problem kube-proxy-ipvs: kube-proxy also serves Services: interface kube-ipvs0, IPVS with /,
      ),
      'note other-proxies: Cilium (kubeProxyReplacement): interface cilium_host may translate Services itself, invisible to nft',
      'warning forward-policy: the policy for forwarded packets is drop: chain inet guard forward',
      'problem ip-forwarding: net.ipv4.ip_forward is 0: the node forwards no IPv4 packets to or from pods',
      'warning local-ports: local ports (1024-65535) overlap node ports (30000-32767): programs that get one of them miss packets',
    ]);
  });

  test('a node with IPv6 only need not forward IPv4', async () => {
    const node = await examine('echo 0 >/proc/sys/net/ipv4/ip_forward');
    expect(node).toMatchObject({
      complaints: ['note ip-forwarding: net.ipv4.ip_forward is 0, but this node has no IPv4 routes and forwards IPv6'],
      exitCode: 0,
    });
  });

  test.skipIf(!bridgesFiltered)('a bridge of pods whose packets pass the rules by its own settings', async () => {
    const bridge = `
      mount -t sysfs none /sys
      ip link add cni0 type bridge
      ip link set cni0 up
      ip address add 10.244.1.1/24 dev cni0
      echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables
      echo 0 >/proc/sys/net/bridge/bridge-nf-call-ip6tables
    `;
    const end =
      'packets between pods on cni0 bypass the rules: a pod cannot use a Service whose endpoint is on the same bridge';
    const own = '/sys/class/net/cni0/bridge/nf_call';
    const off = await examine(bridge);
    expect(off).toMatchObject({ complaints: [`problem bridge-netfilter: IPv4 and IPv6 ${end}`], exitCode: 1 });
    const half = await examine(`${bridge}\n echo 1 >${own}_iptables`);
    expect(half).toMatchObject({ complaints: [`warning bridge-netfilter: IPv6 ${end}`], exitCode: 0 });
    const on = await examine(`${bridge}\n echo 1 >${own}_iptables; echo 1 >${own}_ip6tables`);
    expect(on).toMatchObject({ complaints: [], exitCode: 0 });
  });

  test('a dormant table, and one with that name of another program', async () => {
    const flagged = await examine(`nft 'add table ip svc2nft { flags dormant; }; add chain ip svc2nft services'`);
    expect(flagged.complaints).toEqual([
      'problem own-table: table ip svc2nft has the flag dormant; a dormant table does nothing',
    ]);
    const foreign = await examine(`nft 'add table ip6 svc2nft; add chain ip6 svc2nft mine'`);
    expect(foreign.complaints).toEqual([
      'warning own-table: table ip6 svc2nft was not created by svc2nft: its comment is missing',
    ]);
  });

  test.skipIf(!legacyRuns)('kube-proxy in legacy iptables, which nft does not show', async () => {
    const node = await examine('iptables-legacy -t nat -N KUBE-SERVICES; iptables-legacy -P FORWARD DROP');
    expect(node).toMatchObject({
      complaints: [
        'problem kube-proxy-iptables: kube-proxy also translates Services: KUBE-SERVICES in iptables (legacy)',
        'warning forward-policy: the policy for forwarded packets is drop: chain FORWARD of iptables (legacy)',
      ],
      exitCode: 1,
    });
  });

  test.skipIf(!legacyRuns)('legacy iptables in use, with no program that can list it', async () => {
    const node = await examine(`
      iptables-legacy -t nat -N KUBE-SERVICES
      mount --bind /dev/null "$(readlink -f "$(command -v iptables-legacy-save)")"
    `);
    expect(node).toMatchObject({
      complaints: [
        'warning kube-proxy-iptables: table nat of iptables (legacy) is in use and could not be read, and may belong to kube-proxy',
      ],
      exitCode: 0,
    });
  });

  test('another user learns what could not be checked', async () => {
    const node = await examine('', { user: otherUser });
    expect(node.exitCode).toBe(1);
    expect(node.complaints.filter((complaint) => !complaint.includes('kernel-features'))).toEqual([
      'problem permission: this process lacks CAP_NET_ADMIN: it may not read or change rules, so many checks below are incomplete',
      'note own-table: could not check table svc2nft',
      'note same-rules: could not check for other tables that translate Services',
      'note kube-proxy-nftables: could not check for tables of kube-proxy',
      'note kube-proxy-iptables: could not check for iptables rules of kube-proxy',
      'note forward-policy: could not check whether another table drops forwarded packets',
    ]);
    expect(whatOf(node, 'kernel-features')).toMatch(/^the kernel accepts all 11 kinds of rules|^not tried, /);
  });
});
