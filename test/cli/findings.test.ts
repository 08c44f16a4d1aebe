import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { add, addElements, change, flushChain, type ListedObject, listedShop, remove } from './listed-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

type Tamper = (objects: readonly ListedObject[]) => readonly ListedObject[];

const drop = { expr: [{ drop: null }], handle: 900 };
const log = { expr: [{ log: null }], handle: 901 };

function icmpOnly(objects: readonly ListedObject[]): ListedObject[] {
  const reject = { reject: { type: 'icmp', expr: 3 } };
  return objects
    .filter(({ body }) => !JSON.stringify(body).includes('tcp reset'))
    .map(({ kind, body }) => {
      const { chain, expr } = body;
      const isWrongPort = chain === 'outgoing-refusals' && Array.isArray(expr) && expr.some((one) => 'goto' in one);
      return { kind, body: isWrongPort ? { ...body, expr: [expr[0], reject] } : body };
    });
}

/** What diff says of the shop after another program changed its table. */
async function diff(tamper: Tamper, flags: readonly string[] = []): Promise<CommandResult> {
  const args = ['diff', '-', '--cluster-cidr', '10.244.0.0/16', '--family', 'ip', ...flags];
  return runCommand(args, { input: shop(), run: createFakeNft(listedShop(tamper)).run });
}

describe('changes of other programs are reported and repaired', () => {
  test.each<[string, Tamper, string[]]>([
    [
      'a fixed chain that was flushed',
      flushChain('services'),
      ['changed (1 chain written)', 'found: chain services is empty'],
    ],
    [
      'a base chain that was flushed',
      flushChain('nat-prerouting'),
      ['changed (1 chain written)', 'found: chain nat-prerouting is empty'],
    ],
    [
      'a chain for a number of endpoints that was flushed',
      flushChain('udp-cluster-1'),
      [
        'changed (1 chain written)',
        'found: chain udp-cluster-1 is empty',
        'shop/dns:dns  not understood -> all endpoints (0 -> 1)',
      ],
    ],
    [
      'a rule more, in a chain for a number of endpoints',
      add({ rule: { chain: 'udp-cluster-1', ...drop } }),
      [
        'changed (1 chain written)',
        'found: chain udp-cluster-1 has different rules',
        'shop/dns:dns  not understood -> all endpoints',
      ],
    ],
    [
      'the rejections of an older version, with ICMP errors only',
      icmpOnly,
      [
        'changed (2 chains written)',
        'found: chain reject-chain has different rules',
        'found: chain outgoing-refusals has different rules',
      ],
    ],
    ['a chain that is gone', remove('nat-output'), ['changed (1 chain written)', 'found: chain nat-output is missing']],
    [
      'a rule more, in a chain that no setting shapes',
      add({ rule: { chain: 'refusals-prerouting', ...drop } }),
      ['changed (1 chain written)', 'found: chain refusals-prerouting has different rules'],
    ],
    [
      'a rule more, in a chain that settings shape',
      add({ rule: { chain: 'nat-postrouting', ...drop } }),
      ['changed (1 chain written)', 'found: chain nat-postrouting has different rules'],
    ],
    [
      'a rule that is not understood is reported once',
      add({ rule: { chain: 'services', ...log } }),
      ['changed (1 chain written)', 'found: chain services: rule 4 is not understood'],
    ],
    ['a chain', add({ chain: { name: 'mine' } }), ['changed (1 chain deleted)', 'found: unknown chain mine']],
    [
      'a chain with a hook',
      add({ chain: { name: 'mine', type: 'filter', hook: 'input', prio: 5, policy: 'accept' } }),
      ['rebuilt (17 elements, 13 chains)', 'found: unknown chain mine'],
    ],
    [
      'another hook',
      change('refusals-prerouting', (body) => ({ ...body, prio: 5 })),
      ['rebuilt (17 elements, 13 chains)', 'found: chain refusals-prerouting has a different hook'],
    ],
    [
      'a set',
      add({ set: { name: 'mine', type: 'ipv4_addr' } }),
      ['changed (1 set deleted)', 'found: unknown set mine'],
    ],
    [
      'a counter',
      add({ counter: { name: 'mine', packets: 0, bytes: 0 } }),
      ['rebuilt (17 elements, 13 chains)', 'found: unknown counter mine'],
    ],
    [
      'a set of another kind',
      change('no-endpoint-nodeports', (body) => ({ ...body, type: 'ipv4_addr' })),
      [
        'changed (2 chains written, 1 set added, 1 set deleted)',
        'found: map no-endpoint-nodeports has a different declaration',
      ],
    ],
    [
      'an element',
      addElements('cluster-ips', '192.0.2.1'),
      ['changed (1 element deleted)', 'found: cluster-ips has 1 unknown element: 192.0.2.1'],
    ],
    [
      'elements',
      addElements('cluster-ips', '192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'),
      [
        'changed (4 elements deleted)',
        'found: cluster-ips has 4 unknown elements: 192.0.2.1, 192.0.2.2, 192.0.2.3, ...',
      ],
    ],
    [
      'an endpoint that no number of endpoints leads to',
      addElements('udp-endpoints', [{ concat: ['10.96.0.53', 53, 7] }, { concat: ['192.0.2.1', 53] }]),
      ['changed (1 element deleted)', 'found: udp-endpoints has 1 unknown element: 10.96.0.53 . 53 . 7'],
    ],
  ])('%s', async (_, tamper, [heading, ...lines]) => {
    const { stdout, exitCode } = await diff(tamper);
    expect(stdout.split('\n')).toEqual([
      `table ip svc2nft: would be ${heading}`,
      ...lines.map((line) => `  ${line}`),
      '',
    ]);
    expect(exitCode).toBe(1);
  });

  test('in JSON too', async () => {
    const { stdout } = await diff(flushChain('services'), ['-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      tables: [{ settings: [], chains: ['services'], findings: ['chain services is empty'] }],
    });
  });

  test('many are cut', async () => {
    const chains = Array.from({ length: 30 }, (_, index) => ({ chain: { name: `mine-${index}` } }));
    const { stdout } = await diff(add(...chains));
    const lines = stdout.split('\n');
    expect(lines).toHaveLength(1 + 20 + 1 + 1);
    expect(lines.slice(20)).toEqual(['  found: unknown chain mine-19', '  ... and 10 more findings', '']);
  });
});

describe('what Services and settings explain', () => {
  test('is not a finding', async () => {
    const { stdout } = await diff((objects) => objects, ['--nodeport-addresses', 'all', '--masquerade-all']);
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: would be changed (3 chains written, 1 set deleted)',
      '  settings  masqueraded to cluster IPs: traffic not from pods -> all traffic',
      '  settings  node port addresses: 192.0.2.11 -> all addresses of the node',
      '',
    ]);
  });

  test('is not a finding in dispatch chains either', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    const config = join(folder, 'config.yaml');
    try {
      const kind = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
      writeFileSync(config, `${kind}nftables: {masqueradeBit: 3}\n`);
      const { stdout } = await diff((objects) => objects, ['--config', config]);
      expect(stdout.split('\n')).toEqual([
        'table ip svc2nft: would be changed (3 chains written)',
        '  settings  masquerade mark: 0x00004000 -> 0x00000008',
        '',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('has the sets and chains named where no Service differs', async () => {
    const moved = addElements('hairpin-connections', { concat: ['10.244.1.9', '10.244.1.9'] });
    const { stdout } = await diff(moved);
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: would be changed (1 element deleted)',
      '  hairpin-connections  1 element deleted',
      '',
    ]);
  });
});
