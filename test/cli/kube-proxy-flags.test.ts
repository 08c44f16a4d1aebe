import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelFilesIn } from '../../src/kernel/kernel-files.ts';
import { ApiServer } from '../support/api-server.js';
import { answering, createFakeNft } from '../support/fake-nft.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-test-'));
  const { items } = JSON.parse(shop());
  items.find(({ kind }: { kind: string }) => kind === 'Service').spec.externalIPs = ['203.0.113.5'];
  await writeFile(join(folder, 'shop.json'), JSON.stringify({ kind: 'List', items }));
});
afterAll(() => rm(folder, { recursive: true }));

async function writeConfig(fields: object): Promise<string> {
  const path = join(folder, 'config.yaml');
  const config = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', ...fields };
  await writeFile(path, JSON.stringify(config));
  return path;
}

describe('flags about rules', () => {
  /** What `compile` prints for the shop, with flags and fields of a configuration. */
  async function compile(flags: readonly string[], fields?: object) {
    const config = fields ? ['--config', await writeConfig(fields)] : [];
    const args = ['compile', join(folder, 'shop.json'), '--family', 'ip', ...config, ...flags];
    return runCommand(args, { run: createFakeNft().run });
  }

  const cidr = ['--cluster-cidr', '10.244.0.0/16'];

  interface Case {
    readonly flags: readonly string[];
    readonly over: object;
    readonly sameAs: object;
  }

  test.each<[string, Case]>([
    [
      'an interface',
      {
        flags: ['--detect-local-mode', 'BridgeInterface', '--pod-bridge-interface', 'cbr0'],
        over: { clusterCIDR: '10.244.0.0/16' },
        sameAs: { detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'cbr0' } },
      },
    ],
    [
      'another interface',
      {
        flags: ['--pod-interface-name-prefix', 'cali'],
        over: { detectLocalMode: 'InterfaceNamePrefix', detectLocal: { interfaceNamePrefix: 'veth' } },
        sameAs: { detectLocalMode: 'InterfaceNamePrefix', detectLocal: { interfaceNamePrefix: 'cali' } },
      },
    ],
    [
      'a range',
      {
        flags: ['--detect-local-mode', 'ClusterCIDR', ...cidr],
        over: { detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'cbr0' } },
        sameAs: { clusterCIDR: '10.244.0.0/16' },
      },
    ],
    [
      'an address of the node',
      {
        flags: ['--bind-address', '192.0.2.077'],
        over: { clusterCIDR: '10.244.0.0/16', bindAddress: '192.0.2.66' },
        sameAs: { clusterCIDR: '10.244.0.0/16', bindAddress: '192.0.2.77' },
      },
    ],
    [
      'an address that means all',
      {
        flags: ['--bind-address', '::'],
        over: { clusterCIDR: '10.244.0.0/16', bindAddress: '192.0.2.66' },
        sameAs: { clusterCIDR: '10.244.0.0/16' },
      },
    ],
    [
      'a gate',
      {
        flags: ['--feature-gates', 'AllowServiceExternalIPs=True,WatchListClient=true'],
        over: { clusterCIDR: '10.244.0.0/16', featureGates: { AllowServiceExternalIPs: false } },
        sameAs: { clusterCIDR: '10.244.0.0/16' },
      },
    ],
    [
      'a gate that is off',
      {
        flags: ['--feature-gates', 'AllowServiceExternalIPs=true', '--feature-gates', 'AllowServiceExternalIPs=false'],
        over: { clusterCIDR: '10.244.0.0/16' },
        sameAs: { clusterCIDR: '10.244.0.0/16', featureGates: { AllowServiceExternalIPs: false } },
      },
    ],
  ])('override the configuration: %s', async (_, { flags, over, sameAs }) => {
    const result = await compile(flags, over);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toBe((await compile([], sameAs)).stdout);
    expect(result.stdout).not.toBe((await compile([], over)).stdout);
  });

  test.each([
    [
      ['--detect-local-mode', 'Bridge'],
      '--detect-local-mode: unknown value "Bridge"; expected ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix',
    ],
    [['--detect-local-mode', 'BridgeInterface'], '--detect-local-mode BridgeInterface takes --pod-bridge-interface'],
    [
      ['--detect-local-mode', 'NodeCIDR', '--pod-interface-name-prefix', 'cali'],
      '--detect-local-mode NodeCIDR goes without --pod-interface-name-prefix',
    ],
    [
      ['--pod-bridge-interface', 'a/b'],
      '--pod-bridge-interface: "a/b" is not a valid interface name; expected 1 to 15 letters, digits or _ . @ + -',
    ],
    [['--bind-address', 'localhost'], '--bind-address: "localhost" is not a valid IP address'],
    [
      ['--feature-gates', 'A=true,B'],
      '--feature-gates: "B" is not a gate with a value, such as AllowServiceExternalIPs=false',
    ],
    [
      ['--feature-gates', 'A=yes'],
      '--feature-gates: "A=yes" is not a gate with a value, such as AllowServiceExternalIPs=false',
    ],
  ])('%j is wrong usage', async (flags, message) => {
    expect(await compile(flags)).toEqual({ exitCode: 2, stdout: '', stderr: `error: ${message}\n(see --help)\n` });
  });

  test.each([
    [
      ['--pod-bridge-interface', 'cbr0'],
      '--pod-bridge-interface has an effect only with --detect-local-mode BridgeInterface',
    ],
    [['--feature-gates', 'A=true'], 'featureGates.A is true, which has no effect: nothing here depends on it'],
    [
      ['--feature-gates', 'NFTablesProxyMode=false'],
      "featureGates.NFTablesProxyMode is false, which has no effect: rules are always those of kube-proxy's nftables mode",
    ],
  ])('%j is a warning', async (flags, message) => {
    const { exitCode, stdout, stderr } = await compile([...cidr, ...flags]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `warning config-without-effect: ${message}\n`,
    });
    expect(stdout).toBe((await compile(cidr)).stdout);
  });
});

describe('flags of the agent', () => {
  const node = (name: string) => ({
    kind: 'Node',
    metadata: { name },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
  });
  const server = new ApiServer({ objects: [node('worker-1'), node('worker-7')] });

  beforeAll(() => server.listen());
  afterAll(() => server.close());

  const settings = [
    '/proc/sys/net/netfilter/nf_conntrack_max',
    '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait',
    '/proc/self/oom_score_adj',
  ];

  /** Runs an agent once on a machine with these settings, all 1; what they are then, and what the agent has written. */
  async function agent(flags: readonly string[]) {
    const machine = await mkdtemp(join(folder, 'machine-'));
    for (const path of settings) {
      await mkdir(join(machine, path, '..'), { recursive: true });
      await writeFile(join(machine, path), '1\n');
    }
    const nft = createFakeNft(
      answering('nft --version', { stdout: 'nftables v1.1.3 (x)\n' }),
      answering('uname -r', { stdout: '6.18.0\n' }),
    );
    const { exitCode, stderr } = await runCommand(['agent', '--once', '--cluster-cidr', '10.244.0.0/16', ...flags], {
      run: nft.run,
      now: () => performance.now(),
      kernelFiles: kernelFilesIn(machine),
    });
    const values = await Promise.all(settings.map((path) => readFile(join(machine, path), 'utf8')));
    const started = stderr.split('\n').find((line) => line.includes('"agent started"')) ?? '{}';
    return { exitCode, stderr, values: values.map((text) => text.trim()), node: JSON.parse(started).node };
  }

  const reach = () => ['--server', server.url];

  test('without any, and without a configuration, nothing of the kernel is set', async () => {
    expect(await agent(reach())).toMatchObject({ exitCode: 0, values: ['1', '1', '1'], node: 'worker-1' });
  });

  test('set the kernel, over the configuration', async () => {
    const conntrack = { maxPerCore: 50_000, min: 10, tcpCloseWaitTimeout: '1h' };
    const config = ['--config', await writeConfig({ conntrack, oomScoreAdj: 100 })];
    const { values } = await agent([...reach(), ...config]);
    expect(values.slice(1)).toEqual(['3600', '100']);
    expect(Number(values[0])).toBeGreaterThanOrEqual(50_000);
    const counts = ['--conntrack-max-per-core', '0', '--conntrack-tcp-timeout-close-wait', '90s'];
    expect((await agent([...reach(), ...config, ...counts, '--oom-score-adj', '-999'])).values).toEqual([
      '1',
      '90',
      '-999',
    ]);
    const few = ['--conntrack-max-per-core=1', '--conntrack-min=77777'];
    expect((await agent([...reach(), ...few])).values).toEqual(['77777', '1', '1']);
  });

  test('name the Node as kube-proxy does', async () => {
    expect(await agent([...reach(), '--hostname-override', ' Worker-7'])).toMatchObject({
      exitCode: 0,
      node: 'worker-7',
    });
    expect(await agent([...reach(), '--hostname-override='])).toMatchObject({ exitCode: 0, node: 'worker-1' });
    const config = ['--config', await writeConfig({ hostnameOverride: 'worker-9' })];
    expect(await agent([...reach(), ...config, '--hostname-override=worker-7'])).toMatchObject({ node: 'worker-7' });
  });

  test('of another mode are understood', async () => {
    const { exitCode, stderr } = await agent([...reach(), '--proxy-mode=iptables', '--masquerade-all=false']);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(
      "warning config-without-effect: --proxy-mode is iptables; svc2nft always follows kube-proxy's nftables mode\n",
    );
  });

  test('leave it to the configuration to name a kubeconfig, unless they name the API server', async () => {
    const kubeconfig = join(folder, 'kubeconfig.yaml');
    const content = {
      clusters: [{ name: 'c', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(kubeconfig, JSON.stringify(content));
    const config = ['--config', await writeConfig({ clientConnection: { kubeconfig } })];
    expect(await agent(config)).toMatchObject({ exitCode: 0, node: 'worker-1' });
    await rm(kubeconfig);
    expect(await agent([...config, ...reach()])).toMatchObject({ exitCode: 0, node: 'worker-1' });
    const { exitCode, stderr } = await agent(config);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: `error: clientConnection.kubeconfig: ${kubeconfig}: no such file; name the API server with --kubeconfig or --server\n`,
    });
  });

  test.each([
    [['--conntrack-min', '-5'], '--conntrack-min "-5": expected an integer from 0 to 2147483647'],
    [['--conntrack-max-per-core', '0x10'], '--conntrack-max-per-core "0x10": expected an integer from 0 to 2147483647'],
    [['--oom-score-adj', '1001'], '--oom-score-adj "1001": expected an integer from -1000 to 1000'],
    [
      ['--conntrack-udp-timeout', '5'],
      '--conntrack-udp-timeout "5": expected a duration of at least 1s, such as 90s or 1h, or 0 to leave it as it is',
    ],
    [
      ['--hostname-override', 'a b'],
      '--hostname-override: "a b" is not a valid node name; expected lowercase letters, digits, - and .',
    ],
    [['--proxy-mode', 'ebpf'], '--proxy-mode: unknown value "ebpf"; expected nftables, iptables or ipvs'],
  ])('%j is wrong usage', async (flags, message) => {
    const { exitCode, stderr } = await agent([...reach(), ...flags]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `error: ${message}\n(see --help)\n` });
  });

  test('do not name two Nodes', async () => {
    const { exitCode, stderr } = await agent([...reach(), '--node', 'worker-1', '--hostname-override', 'worker-7']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("option '--hostname-override <name>' cannot be used with option '--node <name>'");
  });
});
