import { describe, expect, test } from 'vitest';
import { readSortColumn } from '../../src/inspect/list/sort-frontends.ts';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

/** Two shops: frontends whose numbers sort otherwise than their digits. */
const shops = [
  shop(),
  shop({ cart: ['10.244.1.21'], dns: [] })
    .replaceAll('"shop"', '"edge"')
    .replaceAll('10.96.0.10', '10.96.0.9')
    .replaceAll('10.96.0.53', '10.96.0.101')
    .replaceAll('30080', '31')
    .replace('"kind":"Node"', '"kind":"Other"'),
].join('\n');

/** `svc2nft list` on both, for IPv4. */
async function list(...flags: readonly string[]): Promise<CommandResult> {
  const args = ['list', '--cluster-cidr', '10.244.0.0/16', '--family', 'ip', ...flags];
  const { stderr, ...result } = await runCommand(args, { run: createFakeNft().run, input: shops });
  const expected = /^<stdin>:2:\d+: note unusual-node-port: .*\n.*\n.*\n|^ignored kinds: Other \(1\)\n/gm;
  return { ...result, stderr: stderr.replaceAll(expected, '') };
}

/** Namespace, name and frontend of each line. */
async function lines(...flags: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await list('--no-headers', ...flags);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  const cells = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  return cells.map(([namespace, name, , , frontend]) => `${namespace}/${name} ${frontend}`);
}

const [edgeCart, edgeNodePort, edgeDns] = [
  'edge/cart 10.96.0.9:80/tcp',
  'edge/cart *:31/tcp',
  'edge/dns 10.96.0.101:53/udp',
];
const [cart, nodePort, dns] = ['shop/cart 10.96.0.10:80/tcp', 'shop/cart *:30080/tcp', 'shop/dns 10.96.0.53:53/udp'];

describe('--sort-by', () => {
  test.each([
    [[], [edgeCart, edgeNodePort, edgeDns, cart, nodePort, dns]],
    [
      ['--sort-by', 'namespace'],
      [edgeCart, edgeNodePort, edgeDns, cart, nodePort, dns],
    ],
    [
      ['--sort-by', 'name'],
      [edgeCart, edgeNodePort, cart, nodePort, edgeDns, dns],
    ],
    [
      ['--sort-by', 'NAME'],
      [edgeCart, edgeNodePort, cart, nodePort, edgeDns, dns],
    ],
    [['--sort-by=.metadata.name'], [edgeCart, edgeNodePort, cart, nodePort, edgeDns, dns]],
    [['--sort-by={.metadata.name}'], [edgeCart, edgeNodePort, cart, nodePort, edgeDns, dns]],
    [
      ['--sort-by', 'frontend'],
      [edgeNodePort, nodePort, edgeCart, cart, dns, edgeDns],
    ],
    [
      ['--sort-by', '.spec.type'],
      [edgeCart, edgeDns, cart, dns, edgeNodePort, nodePort],
    ],
    [
      ['--sort-by', 'endpoints'],
      [edgeDns, edgeCart, edgeNodePort, dns, cart, nodePort],
    ],
    [
      ['--sort-by', 'remark'],
      [edgeDns, edgeCart, edgeNodePort, cart, nodePort, dns],
    ],
  ])('%j', async (flags, expected) => {
    expect(await lines(...flags)).toEqual(expected);
  });

  test.each([
    ['ns', 'namespace'],
    ['NS', 'namespace'],
    ['service', 'name'],
    ['SERVICE', 'name'],
    ['portName', 'port'],
    ['ep', 'endpoints'],
    ['EPS', 'endpoints'],
    ['endpointsUsed', 'endpoints'],
    ['.endpointsUsed', 'endpoints'],
    ['loc', 'local'],
    ['endpointsLocal', 'local'],
    ['remarks', 'remark'],
  ])('%s is another word for %s', async (word, column) => {
    expect(readSortColumn(word)).toEqual({ column });
    expect(await lines('--sort-by', word)).toEqual(await lines('--sort-by', column));
  });

  test('a hostile path is refused, in linear time: otherwise the test would not end within its limit', () => {
    expect(readSortColumn('['.repeat(1_000_000))).not.toHaveProperty('column');
  });

  test('orders JSON, too', async () => {
    const { stdout } = await list('-o', 'json', '--sort-by', 'frontend');
    const { items } = JSON.parse(stdout) as { items: { frontend: string }[] };
    expect(items.map(({ frontend }) => frontend).slice(0, 3)).toEqual(['*:31/tcp', '*:30080/tcp', '10.96.0.9:80/tcp']);
  });

  test.each([
    ['frontends', '"frontends" is not a column (did you mean frontend?); expected namespace, name, port, type, '],
    [
      '.metadata.creationTimestamp',
      '".metadata.creationTimestamp" is not a column; expected namespace, name, port, type, frontend, policy, endpoints, local, remark, .metadata.namespace, .metadata.name, .spec.type or .spec.clusterIP\n',
    ],
    ['Services', '"Services" is not a column (did you mean service?); expected '],
    ['.spec.clusterIPs[0]', '".spec.clusterIPs[0]" is not a column (did you mean .spec.clusterIP?); expected '],
    ['.metadata.Name', '".metadata.Name" is not a column (did you mean .metadata.name?); expected '],
    ['{.spec.ports[0].port}', '"{.spec.ports[0].port}" is not a column (did you mean port?); expected '],
    ['.items[0].endpointsUsed', '".items[0].endpointsUsed" is not a column (did you mean endpoints?); expected '],
    [
      '.status.loadBalancer.ingress[*].ip',
      '".status.loadBalancer.ingress[*].ip" is not a column; expected namespace, name, port, ',
    ],
    ['pods', '"pods" is not a column; expected namespace, name, port, '],
    ['', '"" is not a column; expected namespace, '],
    ['constructor', '"constructor" is not a column; expected namespace, '],
  ])('%s is wrong usage', async (column, message) => {
    const { stderr, stdout, exitCode } = await list('--sort-by', column);
    expect(stderr).toContain(message);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });
});

describe('--no-headers', () => {
  test.each([[[]], [['-o', 'wide']], [['-n', 'edge']]])('%j without the first line', async (flags) => {
    const { stdout } = await list(...flags);
    expect(stdout).toMatch(flags.includes('-n') ? /^NAME {3}PORT/ : /^NAMESPACE {3}NAME/);
    expect(await list('--no-headers', ...flags)).toEqual({
      exitCode: 0,
      stdout: stdout.slice(stdout.indexOf('\n') + 1),
      stderr: '',
    });
  });

  test.each(['json', 'yaml', 'name'])('changes nothing with -o %s, which has none', async (format) => {
    expect(await list('--no-headers', '-o', format)).toEqual(await list('-o', format));
  });
});
