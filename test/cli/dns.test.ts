import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { runMain } from '../support/run-main.ts';

const web = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'web' },
  spec: {
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1'],
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80 }],
  },
};

const slice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.244.1.1'] }],
  ports: [{ name: 'http', port: 8080 }],
};

let folder: string;
let input: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-dns-'));
  input = join(folder, 'shop.json');
  await writeFile(input, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [web, slice] }));
});

afterAll(() => rm(folder, { recursive: true }));

describe('svc2nft dns', () => {
  test('prints a table', async () => {
    expect(await runMain(['dns', input])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: [
        'NAME                                    TYPE   DATA',
        'dns-version.cluster.local.              TXT    "1.1.0"',
        'web.shop.svc.cluster.local.             A      10.96.0.1',
        '_http._tcp.web.shop.svc.cluster.local.  SRV    0 100 80 web.shop.svc.cluster.local.',
        '1.0.96.10.in-addr.arpa.                 PTR    web.shop.svc.cluster.local.',
        '',
      ].join('\n'),
    });
  });

  test('prints a zone of another domain', async () => {
    const { stdout } = await runMain([
      'dns',
      input,
      '-o',
      'zone',
      '--domain',
      'Corp.Example.',
      '--ttl',
      '30',
      '--serial',
      '7',
    ]);
    expect(stdout.split('\n')).toEqual([
      '$ORIGIN corp.example.',
      '$TTL 30',
      '@ IN SOA ns.dns.corp.example. hostmaster.corp.example. 7 7200 1800 86400 30',
      '@ IN NS ns.dns.corp.example.',
      'ns.dns IN A 127.0.0.1',
      'dns-version IN TXT "1.1.0"',
      'web.shop.svc IN A 10.96.0.1',
      '_http._tcp.web.shop.svc IN SRV 0 100 80 web.shop.svc.corp.example.',
      '',
    ]);
  });

  test('prints JSON', async () => {
    const { stdout } = await runMain(['dns', input, '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      domain: 'cluster.local',
      ttl: 5,
      records: [{}, { name: 'web.shop.svc.cluster.local.', type: 'A', address: '10.96.0.1' }, {}, {}],
    });
  });

  test('writes all zones, with what loads them', async () => {
    const zones = join(folder, 'zones');
    expect(await runMain(['dns', input, '--zones', zones])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `2 zones written to ${zones}\n`,
    });
    expect((await readdir(zones)).sort()).toEqual([
      '96.10.in-addr.arpa.zone',
      'Corefile',
      'cluster.local.zone',
      'named.conf',
    ]);
    expect(await readFile(join(zones, 'Corefile'), 'utf8')).toContain(
      '96.10.in-addr.arpa {\n    file 96.10.in-addr.arpa.zone\n}',
    );
  });

  test('says where a folder cannot be made', async () => {
    const { exitCode, stderr } = await runMain(['dns', input, '--zones', join(input, 'zones')]);
    expect([exitCode, stderr.slice(0, 32)]).toEqual([2, `error: cannot make the folder ${input.slice(0, 2)}`]);
  });

  test('serves until it is interrupted, and says where', async () => {
    const controller = new AbortController();
    const said: string[] = [];
    const write = (text: string): boolean => {
      said.push(text);
      controller.abort();
      return true;
    };
    const [stdin, stdout, { signal }] = [new PassThrough(), new PassThrough(), controller];
    const context = { stdin, stdout, stderr: { write }, env: {}, interruption: signal };
    expect(await main(['dns', input, '--serve', '127.0.0.1:35353'], context)).toBe(0);
    expect(said).toEqual(['serving 4 records at 127.0.0.1:35353 until Ctrl+C\n']);
  });

  test('says where it cannot listen', async () => {
    const { exitCode, stderr } = await runMain(['dns', input, '--serve', '192.0.2.77:5353']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('error: cannot listen at 192.0.2.77:5353: ')]);
  });

  test('says that there is nothing', async () => {
    const empty = join(folder, 'empty.json');
    await writeFile(empty, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [] }));
    const { exitCode, stderr } = await runMain(['dns', empty]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('no Services, so there are no records of any')]);
  });

  test('refuses invalid objects', async () => {
    const broken = join(folder, 'broken.json');
    await writeFile(broken, JSON.stringify({ ...web, spec: { ...web.spec, clusterIP: 'x' } }));
    const { exitCode, stdout, stderr } = await runMain(['dns', broken]);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain('no records');
  });

  test.each([
    [['--domain', 'a b'], '"a b" is not the name of a domain'],
    [['--domain', ''], '"" is not the name of a domain'],
    [['--domain', 'x'.repeat(65)], 'is not the name of a domain'],
    [['--ttl', '-1'], '"-1" is not a number of seconds, 0 to 604800'],
    [['--serve', '0.0.0.0:5353'], '"0.0.0.0:5353" is not one address with a port'],
    [['--serve', '127.0.0.1:0'], '"127.0.0.1:0" is not one address with a port'],
    [['--serve', '127.0.0.1:5353', '--zones', 'x'], 'cannot be used with'],
    [['--from', 'A b'], '"A b" is not the name of a namespace'],
    [['--serial', '4294967296'], '"4294967296" is not a number of a zone, 0 to 4294967295'],
  ])('refuses %j', async (flags, message) => {
    const { exitCode, stderr } = await runMain(['dns', input, ...flags]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
