import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Explanation } from '../../src/inspect/explain/explanation.ts';
import { type CommandResult, runMain } from '../support/run-main.ts';

const shop = fileURLToPath(new URL('../../docs/shop.yaml', import.meta.url));
const settings = ['--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16'];

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  const { stdout } = await runMain(['compile', shop, ...settings]);
  writeFileSync(join(folder, 'rules.nft'), stdout);
  writeFileSync(join(folder, 'other.nft'), stdout.replaceAll('svc2nft {', 'mine {'));
  writeFileSync(join(folder, 'odd.nft'), stdout.replaceAll('random mod 2 map', 'inc mod 2 map'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function explain(...args: string[]): Promise<CommandResult> {
  return runMain(['explain', shop, ...settings, ...args]);
}

test('a connection from outside to a node port, step by step', async () => {
  const { exitCode, stdout, stderr } = await explain('--from', 'outside', '--to', '192.0.2.11:30080');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual([
    'SENT to one of 2 endpoints of shop/web:http, masqueraded',
    '',
    'tcp from 203.0.113.1 to 192.0.2.11:30080 on worker-1',
    '',
    '  client         203.0.113.1 is not treated as a pod: it is outside',
    '                 10.244.0.0/16',
    '  frontend       192.0.2.11:30080/tcp is a node port of shop/web:http;',
    '                 nodePortAddresses is primary (192.0.2.11)',
    '  policy         externalTrafficPolicy is Cluster: endpoints on any node can',
    '                 receive it',
    '  endpoints      one of 2 endpoints receives it, each with equal probability',
    '                 chain tcp-nodeport-cluster-2: dnat ip to tcp dport . numgen',
    '                 random mod 2 map @tcp-nodeport-endpoints',
    '                 50%  10.244.1.5:8080  shop/web-1  worker-1  zone-a',
    '                 50%  10.244.2.6:8080  shop/web-2  worker-2  zone-b',
    "  source         masqueraded, so the endpoint sees the node's address:",
    '                 externalTrafficPolicy is Cluster, and answers must return',
    '                 through this node',
    '  left out       10.244.1.7:8080  shop/web-3  worker-1  zone-a  not ready',
    '',
  ]);
});

describe('without a cluster CIDR, the rules know no pods', () => {
  const cidr = 'no cluster CIDR is known (--cluster-cidr)';
  test.each([
    ['pod:shop/web-1', '10.244.1.5 (pod shop/web-1 on worker-1)', 'that it is a pod'],
    ['10.244.2.31', '10.244.2.31 (pod shop/api-1 on worker-2)', 'that it is a pod'],
    ['10.244.9.9', '10.244.9.9', 'pods from other clients'],
    ['outside', '203.0.113.1', 'pods from other clients'],
  ])('%s', async (from, who, what) => {
    const to = ['--from', from, '--to', '10.96.0.60:6379', '-o', 'json'];
    const { stdout } = await runMain(['explain', shop, '--node', 'worker-1', ...to]);
    const { steps } = JSON.parse(stdout) as Explanation;
    const textOf = (topic: string) => steps.find((step) => step.topic === topic)?.text;
    expect(textOf('client')).toBe(`${who}: the rules cannot tell ${what}: ${cidr}`);
    const [address] = who.split(' ');
    expect(textOf('source')).toBe(
      `not masqueraded, so the endpoint sees ${address}: the rules cannot tell ${what}: ${cidr}`,
    );
  });
});

test('-o json has the same content', async () => {
  const { exitCode, stdout } = await explain('--from', 'pod:shop/web-1', '--to', 'service:shop/session', '-o', 'json');
  expect(exitCode).toBe(0);
  const explanation = JSON.parse(stdout) as Explanation;
  expect(explanation).toMatchObject({
    packet: {
      family: 'ip',
      source: '10.244.1.5',
      destination: '10.96.0.60',
      port: 6379,
      protocol: 'tcp',
      inputInterface: null,
    },
    node: 'worker-1',
    verdict: 'translated',
    headline: 'SENT to one of 2 endpoints of shop/session',
    reason: { code: 'cluster-ip', text: 'sent to one of 2 endpoints of shop/session' },
    service: { name: 'shop/session', type: 'ClusterIP' },
    masqueraded: false,
    leftOut: [],
  });
  expect(explanation.endpoints[0]).toEqual({
    endpoint: '10.244.1.61:6379',
    pod: 'shop/session-1',
    node: 'worker-1',
    zone: 'zone-a',
    probability: 0.5,
    share: { numerator: 1, denominator: 2 },
    masqueraded: false,
  });
  expect(explanation.steps.map(({ topic }) => topic)).toEqual([
    'client',
    'frontend',
    'policy',
    'endpoints',
    'affinity',
    'source',
  ]);
});

describe('existing rules', () => {
  test('without a snapshot: names and rules, without reasons in Kubernetes words', async () => {
    const { exitCode, stdout, stderr } = await runMain(
      [
        'explain',
        '--ruleset',
        join(folder, 'rules.nft'),
        '--from',
        '203.0.113.9',
        '--to',
        '192.0.2.11:30080',
        '-o',
        'json',
      ],
      { input: '' },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'translated',
      service: { name: 'shop/web:http', type: '' },
      masqueraded: true,
      endpoints: [{ endpoint: '10.244.1.5:8080' }, { endpoint: '10.244.2.6:8080' }],
    });
  });

  test('a pinned client keeps its endpoint, and no other client does', async () => {
    const rules = readFileSync(join(folder, 'rules.nft'), 'utf8');
    const file = join(folder, 'pinned.nft');
    const time = 'timeout 10m expires 9m';
    const addPin = (text: string, comment: string, element: string) =>
      text.replace(`comment "${comment}";`, (found) => `${found}\n\t\telements = { ${element} }`);
    const pins = addPin(
      rules,
      'client, IP and port to the endpoint it keeps',
      `10.244.1.5 . 10.96.0.60 . 6379 ${time} : 10.244.2.62 . 6379`,
    );
    writeFileSync(
      file,
      addPin(
        pins,
        'client, IP, port and the endpoint it keeps',
        `10.244.1.5 . 10.96.0.60 . 6379 . 10.244.2.62 . 6379 ${time}`,
      ),
    );
    const [pinned, other] = await Promise.all(
      ['10.244.1.5', '10.244.1.6'].map((from) => explain('--ruleset', file, '--from', from, '--to', '10.96.0.60:6379')),
    );
    expect(pinned?.stdout).toMatch(
      /^SENT to 10\.244\.2\.62:6379, the endpoint of shop\/session that the client keeps\n/,
    );
    expect(other?.stdout).toMatch(/^SENT to one of 2 endpoints of shop\/session\n/);
  });

  test.each([
    ['192.0.2.11,192.0.2.12', '192.0.2.11'],
    ['192.0.2.12,192.0.2.11', '192.0.2.12'],
    ['2001:db8:a::11,192.0.2.11', '192.0.2.11'],
  ])('with --node-ip %s, a node port is asked at %s', async (addresses, destination) => {
    const rules = ['--ruleset', join(folder, 'rules.nft'), '--node-ip', addresses];
    const { stdout } = await runMain(
      ['explain', ...rules, '--from', '203.0.113.9', '--to', 'shop/web:http', '-o', 'json'],
      { input: '' },
    );
    const { frontends } = JSON.parse(stdout) as { frontends: Explanation[] };
    const [nodePort] = frontends.filter(({ packet }) => packet?.port === 30080);
    expect(nodePort?.packet?.destination).toBe(destination);
  });

  test.each([
    ['svc/orders', '10.96.0.20', 80],
    ['shop/search:grpc', '10.96.0.50', 9000],
    ['service:shop/orders:80', '10.96.0.20', 80],
    ['session.shop.svc.cluster.local', '10.96.0.60', 6379],
  ])('%s is found by the comments of its elements', async (to, destination, port) => {
    const { exitCode, stdout } = await runMain(
      ['explain', '--ruleset', join(folder, 'rules.nft'), '--from', '10.244.1.5', '--to', to, '-o', 'json'],
      { input: '' },
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ packet: { destination, port } });
  });

  test.each<[flags: string[], from: string, to: string, advice: string]>([
    [[], 'outside', '192.0.2.11:30080', 'no-local-detector: IPv4'],
    [['--nodeport-addresses', 'fd00::/64'], 'outside', '192.0.2.11:30080', 'node-ports-on-all-addresses: IPv4'],
    [['--cluster-cidr', '10.99.0.0/16'], 'node', '10.96.0.10:80', 'pods-outside-cluster-cidr: '],
  ])('no advice about what the snapshot compiles to (%j, from %s)', async (flags, from, to, advice) => {
    const settings = [shop, '--node', 'worker-1', ...flags];
    expect((await runMain(['list', ...settings])).stderr).toContain(`warning ${advice}`);
    const args = ['explain', ...settings, '--from', from, '--to', to];
    for (const input of [[], ['--ruleset', join(folder, 'rules.nft')]]) {
      const { exitCode, stderr } = await runMain([...args, ...input]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    }
  });

  test('other warnings about the snapshot are printed', async () => {
    const nodeless = join(folder, 'nodeless.yaml');
    writeFileSync(nodeless, readFileSync(shop, 'utf8').replaceAll('kind: Node\n', 'kind: Other\n'));
    const args = ['explain', nodeless, '--ruleset', join(folder, 'rules.nft'), '--from', 'outside'];
    const { exitCode, stderr } = await runMain([...args, '--to', '10.96.0.10:80']);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('warning no-node: ');
    expect(stderr).not.toContain('no-local-detector');
  });

  test('with a newer snapshot: what the rules do, and what they lack', async () => {
    const moved = join(folder, 'moved.yaml');
    writeFileSync(moved, readFileSync(shop, 'utf8').replace('10.244.2.6', '10.244.2.60'));
    const { stdout } = await runMain([
      'explain',
      moved,
      ...settings,
      '--ruleset',
      join(folder, 'rules.nft'),
      '--from',
      'outside',
      '--to',
      '192.0.2.11:30080',
      '-o',
      'json',
    ]);
    const { endpoints, leftOut } = JSON.parse(stdout) as Explanation;
    expect(endpoints.map(({ endpoint }) => endpoint)).toEqual(['10.244.1.5:8080', '10.244.2.6:8080']);
    expect(leftOut.map(({ endpoint, code }) => `${endpoint} ${code}`)).toEqual([
      '10.244.1.7:8080 not-ready',
      '10.244.2.60:8080 not-in-rules',
    ]);
  });

  test('a rule that is not understood leads to a warning', async () => {
    const { exitCode, stderr } = await runMain(
      ['explain', '--ruleset', join(folder, 'odd.nft'), '--from', '203.0.113.9', '--to', '192.0.2.11:30080'],
      { input: '' },
    );
    expect(exitCode).toBe(0);
    expect(stderr).toContain('chain tcp-nodeport-cluster-2: rule 1 is not understood');
  });
});

const to = ['--to', '10.96.0.10:80'];
const from = ['--from', 'outside'];

/** Arguments, the exit code, and how the message begins. */
const misuses: readonly [args: readonly string[], exitCode: number, stderr: string][] = [
  [['explain', 'SHOP', ...to], 2, "error: required option '--from <client>' not specified\n(see --help)\n"],
  [['explain', 'SHOP', ...from], 2, "error: required option '--to <target>' not specified\n(see --help)\n"],
  [
    ['explain', 'SHOP', '--from', 'a/b/c', ...to],
    2,
    'error: --from "a/b/c": not the name of a client; use an address, outside, node, pod:NAMESPACE/NAME or the name of a Node\n',
  ],
  [
    ['explain', 'SHOP', '--from', 'svc/web', ...to],
    2,
    'error: --from "svc/web": a Service does not send packets; use an address,',
  ],
  [
    ['explain', 'SHOP', '--from', 'web-9', ...to],
    1,
    'error: there is no Pod or Node web-9; did you mean pod:shop/web-1?\n',
  ],
  [
    ['explain', 'SHOP', ...from, '--to', '10.96.0.99'],
    1,
    'error: the port is missing, and no Service has 10.96.0.99: write 10.96.0.99:80 for port 80\n',
  ],
  [
    ['explain', 'SHOP', ...from, '--to', '10.96.0.10:80/icmp'],
    2,
    'error: --to "10.96.0.10:80/icmp": the protocol must be tcp, udp or sctp, not icmp',
  ],
  [
    ['explain', 'SHOP', ...from, '--to', 'service:a/b/c'],
    2,
    'error: --to "service:a/b/c": write a Service as service:NAMESPACE/NAME',
  ],
  [
    ['explain', 'SHOP', ...from, ...to, '-o', 'yaml'],
    2,
    'error: --output: unknown value "yaml"; expected text or json\n(see --help)\n',
  ],
  [
    ['explain', 'SHOP', ...from, ...to, '--rulset', 'x'],
    2,
    "error: unknown option '--rulset'\n(Did you mean --ruleset?)\n",
  ],
  [['explain', ...from, ...to], 2, 'error: no input: name a file or folder, or pipe manifests in (see --help)\n'],
  [
    ['explain', 'SHOP', ...from, '--to', 'service:shop/wbe'],
    1,
    'error: there is no Service shop/wbe; did you mean shop/web?\n',
  ],
  [
    ['explain', 'SHOP', '--from', 'pod:shop/web', ...to],
    1,
    'error: no Pod or EndpointSlice in the input names Pod shop/web; did you mean shop/web-1?\n',
  ],
  [
    ['explain', 'SHOP', '--from', 'fd00::1', ...to],
    1,
    'error: source fd00::1 is IPv6, but destination 10.96.0.10 is IPv4\n',
  ],
  [
    ['explain', '-', '--ruleset', '-', ...from, ...to],
    2,
    'error: stdin can be read only once: give PATH or --ruleset a file or folder (see --help)\n',
  ],
  [
    ['explain', 'FOLDER/none.yaml', ...from, ...to],
    1,
    'FOLDER/none.yaml: error file-not-found: no such file or folder\n',
  ],
  [
    ['explain', '--ruleset', 'FOLDER/none.nft', ...from, ...to],
    1,
    'FOLDER/none.nft: error file-not-found: no such file or folder\n',
  ],
  [
    ['explain', '--ruleset', 'FOLDER/other.nft', ...from, ...to],
    1,
    'error: FOLDER/other.nft has no table ip svc2nft or kube-proxy, and no rules of kube-proxy or svc2nft for iptables (it has ip mine, ip6 mine)\n',
  ],
  [
    ['explain', '--ruleset', 'FOLDER/rules.nft', ...from, '--to', 'service:shop/db'],
    1,
    'error: the rules have no Service shop/db\n',
  ],
];

describe('misuse', () => {
  test.each(misuses)('%j ends with %i', async (args, expected, message) => {
    const given = args.map((arg) => arg.replace('SHOP', shop).replace('FOLDER', folder));
    const { exitCode, stdout, stderr } = await runMain([...given, ...settings]);
    expect({ exitCode, stdout }).toEqual({ exitCode: expected, stdout: '' });
    expect(stderr.replaceAll(folder, 'FOLDER').slice(0, message.length)).toBe(message);
  });
});

test('a Pod of another node: a note says which rules come first', async () => {
  const { exitCode, stderr } = await explain('--from', 'pod:shop/web-2', '--to', 'service:shop/web');
  expect(exitCode).toBe(0);
  expect(stderr).toBe(
    'note: Pod shop/web-2 runs on worker-2, so its packets pass the rules of worker-2 first; these are the rules of worker-1\n',
  );
});

describe('the node of the rules', () => {
  const start = (from: string, ...flags: string[]): Promise<CommandResult> =>
    runMain(['explain', shop, '--cluster-cidr', '10.244.0.0/16', '--from', from, '--to', '10.96.0.10:80', ...flags]);

  test.each(['worker-2', 'node/worker-2', '192.0.2.12', 'pod:shop/web-2', '10.244.2.6'])(
    'is that of the client %s',
    async (from) => {
      const { exitCode, stdout, stderr } = await start(from);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/^tcp from [0-9.]+ to 10\.96\.0\.10:80 on worker-2$/m);
    },
  );

  test.each([
    ['worker-2', 'the packets of worker-2'],
    ['192.0.2.12', 'the packets of worker-2'],
    ['10.244.2.6', 'Pod shop/web-2 runs on worker-2, so its packets'],
  ])('is that of --node, and a note says where the packets of %s come from', async (from, whose) => {
    const { exitCode, stdout, stderr } = await start(from, '--node', 'worker-1');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `note: ${whose} pass the rules of worker-2 first; these are the rules of worker-1\n`,
    });
    expect(stdout).toContain('to 10.96.0.10:80 on worker-1\n');
  });

  test.each([
    ['--node-ip', '192.0.2.11', 'on worker-1\n'],
    ['--node-ip', '198.51.100.11', 'on worker-1\n'],
    ['--node-ip', '192.0.2.12', 'on worker-2\n'],
  ])('is the one that has the address of %s %s', async (flag, address, place) => {
    const { exitCode, stdout } = await start('pod:shop/web-2', flag, address);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`to 10.96.0.10:80 ${place}`);
  });

  test('is none if no Node has the address of --node-ip', async () => {
    const { stderr } = await start('pod:shop/web-2', '--node-ip', '192.0.2.99');
    expect(stderr).toContain('warning several-nodes: ');
  });
});

test('a node port as list prints it', async () => {
  const { stdout: rows } = await runMain(['list', shop, ...settings, '--no-headers']);
  const listed = [...rows.matchAll(/\s(\*:([0-9]+)\/tcp)\s/g)];
  expect(listed.length).toBe(3);
  for (const [, target = '', port = ''] of listed) {
    const { exitCode, stdout } = await explain('--from', 'outside', '--to', target);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`tcp from 203.0.113.1 to 192.0.2.11:${port} on worker-1\n`);
  }
});

describe('cluster IPs are not routed to outside', () => {
  const note =
    'note: cluster IPs are usually not routed outside the cluster: their verdict assumes that the packet reaches the node\n';
  test.each([
    ['outside', '10.96.0.10:80', note],
    ['world', 'shop/api', note],
    ['outside', '10.96.0.20:99', note],
    ['203.0.113.9', '10.96.0.10:80', note],
    ['10.9.9.9', 'shop/web', note],
    ['203.0.113.9', '198.51.100.200:443', ''],
    ['192.0.2.11', '10.96.0.10:80', ''],
    ['10.244.1.200', '10.96.0.10:80', ''],
    ['127.0.0.1', '10.96.0.10:80', ''],
    ['outside', '198.51.100.200:443', ''],
    ['outside', ':30080', ''],
    ['node', '10.96.0.10:80', ''],
    ['pod:shop/web-1', 'shop/api', ''],
  ])('from %s to %s', async (from, target, expected) => {
    expect((await explain('--from', from, '--to', target)).stderr).toBe(expected);
  });

  test('an address may be that of a Node or pod if the input has none of them', async () => {
    const input = readFileSync(shop, 'utf8').replaceAll('kind: Node\n', 'kind: Other\n');
    const from = ['--from', '203.0.113.9', '--to', '10.96.0.10:80'];
    const nodeless = await runMain(['explain', '-', ...settings, ...from], { input });
    expect(nodeless.stdout).toMatch(/^SENT/);
    expect(nodeless.stderr).not.toContain('note: ');
    const { stderr } = await runMain(['explain', shop, '--node', 'worker-1', ...from]);
    expect(stderr).not.toContain('note: ');
  });

  test('nor by rules without a snapshot', async () => {
    const args = ['explain', '--ruleset', join(folder, 'rules.nft'), '--from', 'outside', '--to'];
    expect((await runMain([...args, '10.96.0.10:80'], { input: '' })).stderr).toBe(note);
    expect((await runMain([...args, '198.51.100.200:443'], { input: '' })).stderr).toBe('');
  });
});
