import { describe, expect, test } from 'vitest';
import { type CollectOptions, collectNode } from '../../../src/inspect/collect/collect-node.ts';
import type { ProgramResult } from '../../../src/kernel/run-program.ts';
import { type Answer, answering, createFakeNft, says } from '../../support/fake-nft.ts';

const options: CollectOptions = {
  node: undefined,
  hostName: 'Worker-1',
  addresses: ['192.0.2.99'],
  tables: ['svc2nft', 'kube-proxy'],
  allTables: false,
};

/** What a node without rules, programs and files has, but for some answers and files. */
async function collect(
  answers: readonly Answer[],
  {
    files = {},
    kubeProxy = {},
    changed = {},
  }: {
    readonly files?: Readonly<Record<string, string>>;
    readonly kubeProxy?: Readonly<Record<string, string>>;
    readonly changed?: Partial<CollectOptions>;
  } = {},
) {
  const { run, calls } = createFakeNft(...answers, () => says.missing);
  const limits: (number | undefined)[] = [];
  const instruments = {
    run: (...[program, args, input, limit]: Parameters<typeof run>) => {
      limits.push(limit?.largest);
      return run(program, args, input, limit);
    },
    readText: async (path: string) => files[path],
    askKubeProxy: async (path: string) => kubeProxy[path],
  };
  const result = await collectNode(instruments, { ...options, ...changed });
  return { ...result, commands: calls.map(({ command }) => command), limits };
}

function prints(command: string, stdout: string): Answer {
  return answering(command, { stdout });
}

function fails(command: string, result: Partial<ProgramResult>): Answer {
  return answering(command, { exitCode: 1, ...result });
}

const chains = [
  { family: 'ip', table: 'kube-proxy', name: 'services', handle: 1 },
  { family: 'ip6', table: 'svc2nft', name: 'services', handle: 1 },
  { family: 'inet', table: 'svc2nft', name: 'x', handle: 1 },
  {
    family: 'inet',
    table: 'firewalld',
    name: 'filter_INPUT',
    type: 'filter',
    hook: 'input',
    prio: 10,
    policy: 'accept',
  },
  { family: 'inet', table: 'firewalld', name: 'filter_IN_public' },
  { family: 'ip', table: 'nat', name: 'PREROUTING', type: 'nat', hook: 'prerouting', prio: -100, policy: 'accept' },
];
const listedChains = prints('nft -j list chains', JSON.stringify({ nftables: chains.map((chain) => ({ chain })) }));
const noChains = prints('nft -j list chains', '{"nftables": []}');

describe('rules of nft', () => {
  const tables = [
    prints('nft -n list table ip kube-proxy', 'table ip kube-proxy {\n}\n'),
    prints('nft -n list table ip6 svc2nft', 'table ip6 svc2nft {\n}\n'),
  ];

  test('are read of the tables svc2nft and kube-proxy; others are named with their base chains', async () => {
    const { collected, details } = await collect([listedChains, ...tables]);
    expect(collected.outputs).toEqual({
      'nft -n list table ip kube-proxy': 'table ip kube-proxy {\n}\n',
      'nft -n list table ip6 svc2nft': 'table ip6 svc2nft {\n}\n',
    });
    expect(details.otherTables).toEqual({
      'inet svc2nft': [],
      'inet firewalld': ['filter_INPUT: type filter hook input priority 10, policy accept'],
      'ip nat': ['PREROUTING: type nat hook prerouting priority -100, policy accept'],
    });
  });

  test('are read of all tables on request', async () => {
    const others = [
      prints('nft -n list table inet firewalld', 'table inet firewalld {\n}\n'),
      prints('nft -n list table inet svc2nft', 'table inet svc2nft {\n}\n'),
      fails('nft -n list table ip nat', { stderr: 'Error: out of order\nmore\n' }),
    ];
    const { collected, details } = await collect([listedChains, ...tables, ...others], {
      changed: { allTables: true },
    });
    expect(Object.keys(collected.outputs)).toEqual([
      'nft -n list table ip kube-proxy',
      'nft -n list table ip6 svc2nft',
      'nft -n list table inet svc2nft',
      'nft -n list table inet firewalld',
    ]);
    expect(details.otherTables).toEqual({
      'ip nat': ['PREROUTING: type nat hook prerouting priority -100, policy accept'],
    });
    expect(collected.missing).toContain('nft -n list table ip nat: Error: out of order');
  });

  test('are missing without permission, and everything else is there', async () => {
    const { collected, details } = await collect(
      [fails('nft -j list chains', says.notPermitted), prints('nft --version', 'nftables v1.1.3 (x)\n')],
      { files: { '/proc/sys/net/ipv4/ip_forward': '1\n', '/proc/sys/kernel/osrelease': '6.8.0\n' } },
    );
    expect(collected).toMatchObject({ node: 'worker-1', addresses: ['192.0.2.99'], outputs: {} });
    expect(collected.missing).toEqual([
      'rules of nft: no-permission: netlink: Error: cache initialization failed: Operation not permitted',
      'rules of iptables: iptables-nft-save is not installed',
      'rules of ip6tables: ip6tables-nft-save is not installed',
      'interfaces, routes and rules: ip is not installed',
    ]);
    expect(details).toMatchObject({
      versions: { kernel: '6.8.0', nft: 'nftables v1.1.3 (x)' },
      settings: { 'net.ipv4.ip_forward': '1' },
    });
  });

  test.each<[Partial<ProgramResult>, string]>([
    [{ exitCode: undefined, timedOut: 300_000 }, 'it took longer than 300 s'],
    [{ exitCode: undefined, stderr: 'printed more than 200 MB' }, 'printed more than 200 MB'],
    [{ exitCode: undefined, signal: 'SIGKILL' }, 'ended by SIGKILL'],
    [{ exitCode: undefined, denied: true }, 'it may not be executed'],
    [{ exitCode: 5 }, 'exit code 5'],
  ])('that cannot be listed are missing: %j', async (result, reason) => {
    const { collected } = await collect([listedChains, fails('nft -n list table ip kube-proxy', result), ...tables]);
    expect(Object.keys(collected.outputs)).toEqual(['nft -n list table ip6 svc2nft']);
    expect(collected.missing[0]).toBe(`nft -n list table ip kube-proxy: ${reason}`);
  });
});

describe('rules of iptables', () => {
  const saved =
    '# Generated by iptables-save v1.8.9 (nf_tables) on Thu Oct 15 09:00:00 2026\n*nat\n:PREROUTING ACCEPT [12:345]\n:KUBE-SERVICES - [1:2]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n# Completed on Thu Oct 15 09:00:00 2026\n';
  const kept =
    '# Generated by iptables-save v1.8.9 (nf_tables)\n*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n';

  test('are without date and counters, so that equal rules are equal texts', async () => {
    const { collected, details } = await collect([listedChains, prints('iptables-nft-save', saved)]);
    expect(collected.outputs).toEqual({ 'iptables-nft-save': kept });
    // The table is no other one then.
    expect(Object.keys(details.otherTables)).not.toContain('ip nat');
  });

  test.each([
    ['iptables-save v1.8.9 (nf_tables)\n', {}, ['iptables-save', 'ip6tables-save']],
    ['iptables-save v1.8.9 (legacy)\n', {}, []],
    ['iptables-save v1.6.1\n', { '/proc/net/ip_tables_names': 'nat\n' }, ['iptables-save']],
  ])(
    'are those of the variant that %j names, legacy ones only where they are in use',
    async (version, files, expected) => {
      const answers = ['iptables-save', 'ip6tables-save'].flatMap((name) => [
        prints(`${name} --version`, version),
        prints(name, saved),
      ]);
      const { collected } = await collect([noChains, ...answers], { files });
      expect(Object.keys(collected.outputs)).toEqual(expected);
      expect(collected.missing).toEqual(['interfaces, routes and rules: ip is not installed']);
    },
  );

  test('are those of both variants where both are in use', async () => {
    const { collected } = await collect(
      [noChains, prints('iptables-nft-save', saved), prints('iptables-legacy-save', '*nat\nCOMMIT\n')],
      { files: { '/proc/net/ip_tables_names': 'nat\n', '/proc/net/ip6_tables_names': 'nat\n' } },
    );
    expect(collected.outputs).toEqual({ 'iptables-nft-save': kept, 'iptables-legacy-save': '*nat\nCOMMIT\n' });
    expect(collected.missing[0]).toBe('legacy rules of ip6tables: ip6tables-legacy-save is not installed');
  });
});

test('no file becomes longer than can be read', async () => {
  const { limits } = await collect([listedChains, prints('nft -n list table ip kube-proxy', 'x'.repeat(250_000_000))]);
  expect(limits.filter((limit) => limit !== undefined && limit < 200_000_000)).toContain(150_000_000);
});

test('addresses are those of all interfaces, without what counts down', async () => {
  const address = (local: string): object => ({ local, prefixlen: 24, valid_life_time: 77 });
  const interfaces = [
    { ifname: 'lo', addr_info: [address('127.0.0.1'), address('192.0.2.53'), address('::1')] },
    { ifname: 'ext0', addr_info: [address('192.0.2.11'), address('FE80::1'), address('x'), { local: 5 }, 'y'] },
    'z',
  ];
  const { collected, details } = await collect([
    noChains,
    prints('ip -j address', JSON.stringify(interfaces)),
    prints('ip -j rule', ''),
    prints('ip -6 -j rule', 'Object "-j" is unknown'),
  ]);
  expect(collected.addresses).toEqual(['192.0.2.53', '192.0.2.11', 'fe80::1']);
  expect(details.network).toMatchObject({
    interfaces: [{ addr_info: [{ local: '127.0.0.1', prefixlen: 24 }, {}, {}] }, {}, 'z'],
    rules: [],
  });
  expect(JSON.stringify(details.network)).not.toContain('valid_life_time');
  expect(collected.missing).toContain('ip -6 -j rule: it printed no JSON');
});

describe('kube-proxy', () => {
  const configuration = { mode: 'iptables', hostnameOverride: 'node-7', clusterCIDR: '10.244.0.0/16' };
  const kubeProxy = {
    '/proxyMode': 'iptables',
    '/configz': JSON.stringify({ 'kubeproxy.config.k8s.io': configuration }),
  };

  test('tells its mode, its configuration and the name of the Node', async () => {
    const { collected } = await collect([noChains], { kubeProxy });
    expect(collected).toMatchObject({ node: 'node-7', kubeProxy: { mode: 'iptables', configuration } });
    const { collected: named } = await collect([noChains], { kubeProxy, changed: { node: 'node-8' } });
    expect(named.node).toBe('node-8');
  });

  test('may tell anything', async () => {
    const { collected } = await collect([noChains], { kubeProxy: { '/proxyMode': '<html>', '/configz': '[1]' } });
    expect(collected.kubeProxy).toEqual({});
  });
});

test('only these programs are run, and none of them changes anything', async () => {
  const { commands } = await collect(
    [
      listedChains,
      ...['nft --version', 'iptables-save --version', 'ip6tables-save --version'].map((one) => prints(one, '')),
    ],
    { files: { '/proc/net/ip_tables_names': 'nat\n' }, changed: { allTables: true } },
  );
  const harmless =
    /^(\S+ --version|nft (-j list chains|-n list table \S+ \S+)|ip6?tables-(nft-|legacy-)?save|ip (-6 )?-j (address|rule|route show table all))$/;
  expect(commands.filter((command) => !harmless.test(command))).toEqual([]);
  expect(commands.length).toBeGreaterThan(10);
});
