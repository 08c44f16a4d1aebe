import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateCluster } from '../../../bench/generate-cluster.js';
import { explainCommandOf } from '../../../src/cli/input/load-node-graphs.ts';
import { shopObjects } from '../../inspect/graph/shop.ts';
import { createFakeNft } from '../../support/fake-nft.ts';
import { runCommand } from '../run-command.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Content {
  readonly source: string;
  readonly otherNodes: number;
  readonly graphs: readonly { readonly node: string; readonly zone: string; readonly explain: string }[];
}

/** What the page of some objects embeds. */
async function pageOf(objects: readonly object[], flags: readonly string[]): Promise<Content> {
  const input = join(folder, 'in.json');
  writeFileSync(input, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const output = join(folder, 'out.html');
  const { exitCode } = await runCommand(
    ['graph', input, ...flags, '--cluster-cidr', '10.244.0.0/16', '--file', output],
    { run: createFakeNft().run },
  );
  expect(exitCode).toBe(0);
  const [, json = ''] =
    /<script type="application\/json" id="graph">(.*)<\/script>/.exec(readFileSync(output, 'utf8')) ?? [];
  return JSON.parse(json) as Content;
}

function node(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.99' }] },
  };
}

describe('the nodes of a page', () => {
  test('the one that was asked for comes first, then the others by name', async () => {
    const { source, otherNodes, graphs } = await pageOf(shopObjects, ['--node', 'worker-2']);
    expect(source).toBe(join(folder, 'in.json'));
    expect(otherNodes).toBe(0);
    expect(graphs.map(({ node: name, zone }) => [name, zone])).toEqual([
      ['worker-2', 'a'],
      ['worker-1', 'a'],
      ['worker-3', 'b'],
    ]);
    expect(graphs.map(({ explain }) => explain.replace(folder, 'FOLDER'))).toEqual(
      ['worker-2', 'worker-1', 'worker-3'].map(
        (name) => `svc2nft explain FOLDER/in.json --node ${name} --cluster-cidr 10.244.0.0/16`,
      ),
    );
  });

  test('address and zone from flags are those of one node', async () => {
    const flags = ['--node', 'worker-1', '--node-ip', '192.0.2.77', '--zone', 'x'];
    const { graphs } = await pageOf(shopObjects, flags);
    expect(graphs.map(({ zone }) => zone)).toEqual(['x', 'a', 'b']);
    expect(graphs.map(({ explain }) => explain.includes('--node-ip 192.0.2.77 --zone x'))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('a node that the snapshot does not have is shown with those that it has', async () => {
    const { graphs } = await pageOf(shopObjects, ['--node', 'worker-9', '--node-ip', '192.0.2.79']);
    expect(graphs.map(({ node: name }) => name)).toEqual(['worker-9', 'worker-1', 'worker-2', 'worker-3']);
  });

  test('at most 50', async () => {
    const many = Array.from({ length: 80 }, (_, index) => node(`extra-${String(index).padStart(2, '0')}`));
    const { graphs, otherNodes } = await pageOf([...shopObjects, ...many], ['--node', 'worker-1']);
    expect([graphs.length, otherNodes]).toEqual([50, 33]);
    expect(graphs.at(1)?.node).toBe('extra-00');
  });

  test('fewer where there are many endpoints', async () => {
    const { items } = generateCluster({ services: 2_000, endpoints: 20 });
    const { graphs, otherNodes } = await pageOf(
      [...items, ...Array.from({ length: 10 }, (_, index) => node(`extra-${index}`))],
      ['--node', 'extra-3'],
    );
    expect(graphs.length).toBe(4);
    expect(graphs.length + otherNodes).toBeGreaterThanOrEqual(10);
  });
});

describe('the explain command', () => {
  test('has the options in effect', () => {
    const flags = {
      config: 'proxy.yaml',
      keepGoing: true,
      node: 'worker-1',
      nodeIp: ['192.0.2.11', 'fd00::11'],
      zone: 'a',
      clusterCidr: ['10.244.0.0/16', 'fd00:10::/48'],
      nodeportAddresses: ['primary'],
      masqueradeAll: true,
      table: 'other',
      family: 'ip',
      targetNft: '1.1.3',
    } as const;
    expect(explainCommandOf(['a.yaml', 'b/'], flags)).toBe(
      'svc2nft explain a.yaml b/ --config proxy.yaml --keep-going --node worker-1 --node-ip 192.0.2.11,fd00::11 --zone a ' +
        '--cluster-cidr 10.244.0.0/16,fd00:10::/48 --nodeport-addresses primary --masquerade-all --table other --family ip --target-nft 1.1.3',
    );
  });

  test.each([
    ['my dump.yaml'],
    ["it's.yaml"],
    ['$(touch hacked).yaml'],
    ['a;b&c|d'],
    ['back\\slash'],
    ["new\nline'\\.yaml"],
    ['*'],
    ['ünï'],
  ])('a shell reads %j as one word', (path) => {
    const command = explainCommandOf([path], {});
    expect(command).not.toMatch(/\p{Cc}/u);
    const words = execFileSync('bash', ['-c', `export LC_ALL=C.UTF-8; printf '%s\\0' ${command}`], {
      encoding: 'utf8',
      cwd: folder,
    });
    expect(words.split('\0')).toEqual(['svc2nft', 'explain', path, '']);
  });

  test('stdin is a dash', () => {
    expect(explainCommandOf([], {})).toBe('svc2nft explain -');
  });
});
