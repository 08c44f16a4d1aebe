import { describe, expect, test } from 'vitest';
import { type Answer, answering, createFakeNft, listTable, says } from '../support/fake-nft.ts';
import { apply } from './apply-shop.ts';
import { diff } from './diff-shop.ts';
import { listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const four = shop({ cart: ['10.244.1.11', '10.244.1.12', '10.244.1.13', '10.244.1.14'] });

describe('diff with the kernel', () => {
  test('no difference: nothing is printed, exit code 0', async () => {
    expect(await diff({}, listedShop())).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect(await diff({ flags: ['-o', 'nft'] }, listedShop())).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  });

  test('differences in Service terms, exit code 1', async () => {
    const { stdout, stderr, exitCode } = await diff({ input: four }, listedShop());
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: would be changed (5 elements added, 2 elements deleted, 3 chains written)',
      '  shop/cart:http  3 -> 4 endpoints (+10.244.1.14:8080), share 33% -> 25%',
      '',
    ]);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 1 });
  });

  test('frontends, and UDP flows that become stale', async () => {
    const input = four.replace('10.96.0.53', '10.96.0.54').replace('"nodePort":30080', '"nodePort":30081');
    const { stdout } = await diff({ input }, listedShop());
    expect(stdout.split('\n').slice(1)).toEqual([
      '  shop/cart:http  +*:30081/tcp, -*:30080/tcp; 3 -> 4 endpoints (+10.244.1.14:8080), share 33% -> 25%',
      '  shop/dns:dns  +10.96.0.54:53/udp, -10.96.0.53:53/udp',
      '  stale UDP flows to 10.96.0.53:53/udp at 10.244.1.53:5353: would be deleted',
      '',
    ]);
  });

  test('no table yet', async () => {
    const { stdout, exitCode } = await diff({});
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: would be created (17 elements, 13 chains)',
      '  shop/cart:http  new: 10.96.0.10:80/tcp, *:30080/tcp, 3 endpoints',
      '  shop/dns:dns  new: 10.96.0.53:53/udp, 1 endpoint',
      '',
    ]);
    expect(exitCode).toBe(1);
  });

  test('a table that cannot be read', async () => {
    const { stdout, exitCode } = await diff({}, answering(listTable.ip, { stdout: '{' }));
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: would be rebuilt (17 elements, 13 chains)',
      '  found: cannot be read (refused): nft did not print whole JSON for table ip svc2nft',
      '',
    ]);
    expect(exitCode).toBe(1);
  });

  describe('--target-nft', () => {
    const input = JSON.stringify([
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'db', namespace: 'shop' },
        spec: { clusterIP: 'fd00:10:96::10', sessionAffinity: 'ClientIP', ports: [{ port: 80 }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
        addressType: 'IPv6',
        ports: [{ name: '', port: 8080 }],
        endpoints: [{ addresses: ['fd00:10:244:1::10'] }],
      },
    ]);
    const old = answering('nft --version', { stdout: 'nftables v1.0.6 (Lester Gooch #5)\n' });
    const young = answering('nft --version', { stdout: 'nftables v1.1.3 (Commodore Bullmoose #4)\n' });
    const perEndpoint = 'add set ip6 svc2nft pinned/shop/db/tcp/__fd00.10.244.1..10/8080';
    const shared = 'add map ip6 svc2nft tcp-pins';

    test.each<[string, string, Answer, readonly string[], string]>([
      ['1.0.6 asked for', '1.1.3', young, ['--target-nft', '1.0.6'], perEndpoint],
      ['1.1.3 asked for', '1.1.3', young, ['--target-nft', '1.1.3'], shared],
      ['not given', '1.1.3', young, [], shared],
      ['1.0.6 asked for', '1.0.6', old, ['--target-nft', '1.0.6'], perEndpoint],
      ['not given', '1.0.6', old, [], perEndpoint],
    ])('%s, with nft %s', async (_, _version, nft, flags, added) => {
      const ranges = ['--cluster-cidr', 'fd00:10:244::/48', '--family', 'ip6'];
      const { run } = createFakeNft(nft);
      const world = { input, run };
      const { stdout } = await runCommand(['diff', '-', ...ranges, '-o', 'nft', ...flags], world);
      expect(stdout.split('\n').flatMap((line) => /^add (?:set|map) ip6 svc2nft \S*pin\S*/.exec(line) ?? [])).toContain(
        added,
      );
    });
  });

  test('-o nft: the transaction', async () => {
    const { stdout, exitCode } = await diff(
      { flags: ['-o', 'nft'], input: shop({ dns: ['10.244.1.54'] }) },
      listedShop(),
    );
    expect(stdout.split('\n')).toEqual([
      'delete element ip svc2nft hairpin-connections { 10.244.1.53 . 10.244.1.53 }',
      'delete element ip svc2nft udp-endpoints { 10.96.0.53 . 53 . 0 }',
      'add element ip svc2nft hairpin-connections { 10.244.1.54 . 10.244.1.54 }',
      'add element ip svc2nft udp-endpoints { 10.96.0.53 . 53 . 0 : 10.244.1.54 . 5353 }',
      '',
    ]);
    expect(exitCode).toBe(1);
  });

  test('-o json: one object for each table, with the words of the report', async () => {
    const { stdout, exitCode } = await diff(
      { flags: ['-o', 'json'], input: shop({ dns: ['10.244.1.54'] }) },
      listedShop(),
    );
    expect(JSON.parse(stdout)).toEqual({
      tables: [
        {
          family: 'ip',
          table: 'svc2nft',
          tableChange: 'kept',
          gained: [],
          lost: [],
          changed: [
            {
              name: 'shop/dns:dns',
              protocol: 'udp',
              frontendsGained: [],
              frontendsLost: [],
              endpoints: [
                {
                  endpoints: 'all',
                  before: 1,
                  after: 1,
                  added: ['10.244.1.54:5353'],
                  removed: ['10.244.1.53:5353'],
                  shareBefore: 100,
                  shareAfter: 100,
                },
              ],
              policies: [],
              refusals: [],
              affinitySeconds: [],
              sourceRanges: [],
            },
          ],
          settings: [],
          chains: [],
          staleUdpFlows: [{ frontend: '10.96.0.53:53/udp', endpoints: ['10.244.1.53:5353'] }],
          result: 'changed',
          commands: 4,
          findings: [],
        },
      ],
    });
    expect(exitCode).toBe(1);
    const same = await diff({ flags: ['-o', 'json'] }, listedShop());
    expect(JSON.parse(same.stdout)).toMatchObject({ tables: [{ family: 'ip', result: 'unchanged', commands: 0 }] });
    expect(same.exitCode).toBe(0);
  });

  test('color only where stdout is a terminal', async () => {
    const world = { input: four };
    expect((await diff({ ...world, terminals: ['stdout'] }, listedShop())).stdout).toContain('\u001b[32m');
    expect((await diff({ ...world, terminals: ['stderr'] }, listedShop())).stdout).not.toContain('\u001b[');
  });

  test.each([
    ['no permission', answering(listTable.ip, says.notPermitted), 'error: nft: no-permission\n', 4],
    ['no nft', answering('nft --version', says.missing), 'error: nft: not-found\n', 4],
    ['no memory', answering(listTable.ip, says.noMemory), 'error: nft: out-of-memory\n', 3],
  ])('%s: nothing can be compared', async (_, answer, message, expected) => {
    const { stdout, stderr, exitCode } = await diff({}, answer);
    expect(stderr.startsWith(message)).toBe(true);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: expected });
  });

  test('no nft that can read the tables: nothing can be compared', async () => {
    const crashed = { exitCode: undefined, signal: 'SIGSEGV' };
    const { stdout, stderr, exitCode } = await diff(
      {},
      answering(listTable.ip, crashed),
      answering('nft --check -f -', crashed),
    );
    expect(stderr.startsWith('error: nft: unreadable\n')).toBe(true);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 3 });
  });

  test('bad input: exit code 2, for 1 means differences', async () => {
    const { stdout, stderr, exitCode } = await diff(
      { input: shop().replace('"port":80,', '"port":70000,') },
      listedShop(),
    );
    expect(stderr).toContain('error invalid-port: Service shop/cart: spec.ports[0].port is 70000');
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });
});

describe('diff with the kernel, of several Nodes', () => {
  const { items }: { readonly items: readonly { kind: string; metadata: { name: string } }[] } = JSON.parse(shop());
  const withNodes = (...names: readonly string[]): string => {
    const nodes = names.map((name) => ({ ...items.find(({ kind }) => kind === 'Node'), metadata: { name } }));
    // The endpoints of one node only, so that the nodes differ.
    const others = JSON.stringify(items.filter(({ kind }) => kind !== 'Node')).replace(
      '"type":"NodePort"',
      '"type":"NodePort","internalTrafficPolicy":"Local"',
    );
    return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [...nodes, ...JSON.parse(others)] });
  };
  const nodes = withNodes('worker-1', 'worker-2');

  test.each([
    ['worker-1', nodes],
    ['worker-2', nodes],
    ['WORKER-2.example.net', nodes],
    ['worker-2.example.net', withNodes('worker-1', 'worker-2.example.net')],
  ])('means the one of this machine, as apply does: %s', async (hostName, input) => {
    const { stdout, stderr, exitCode } = await diff({ input, hostName }, listedShop());
    const name = hostName === 'worker-2.example.net' ? hostName : hostName.toLowerCase().replace(/\..*/, '');
    const named = await diff({ input, flags: ['--node', name] }, listedShop());
    expect({ stdout, stderr, exitCode }).toMatchObject({ stdout: named.stdout, stderr: '', exitCode: named.exitCode });
    const applied = await apply({ flags: ['--family', 'ip', '--dry-run=client'], input, hostName }, listedShop());
    expect(stdout).toBe(applied.stdout);
    const other = await diff({ input, flags: ['--node', name === 'worker-1' ? 'worker-2' : 'worker-1'] }, listedShop());
    expect(other.stdout).not.toBe(stdout);
  });

  test.each<[string, string, readonly string[]]>([
    ['another machine', 'elsewhere', []],
    ['snapshots, which are of no machine', 'worker-2', ['--from', 'docs/shop.yaml']],
  ])('warns where none is meant: %s', async (_, hostName, flags) => {
    const { stderr } = await diff({ input: nodes, hostName, flags }, listedShop());
    expect(stderr).toMatch(/^warning several-nodes: /m);
  });
});
