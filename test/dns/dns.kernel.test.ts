import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DnsRecord } from '../../src/dns/dns-records.ts';
import { recordData } from '../../src/dns/print-zones.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';
import { runMain } from '../support/run-main.ts';

const owned = (name: string, addressType: string, endpoints: object[], ports: object[]): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    namespace: 'shop',
    name: `${name}-${addressType.toLowerCase()}`,
    labels: { 'kubernetes.io/service-name': name, 'service.kubernetes.io/headless': '' },
  },
  addressType,
  endpoints,
  ports,
});

const service = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec,
});

/** Every kind of record, in both families. */
const objects = [
  service('web', {
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1', 'fd00:10:96::1'],
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [
      { name: 'http', port: 80 },
      { name: 'state', port: 4000, protocol: 'UDP' },
    ],
  }),
  service('db', {
    clusterIP: 'None',
    clusterIPs: ['None'],
    selector: { app: 'db' },
    ports: [{ name: 'sql', port: 5432 }],
  }),
  owned(
    'db',
    'IPv4',
    [{ addresses: ['10.244.1.5'], hostname: 'db-0' }, { addresses: ['10.244.2.6'] }],
    [{ name: 'sql', port: 5432 }],
  ),
  owned('db', 'IPv6', [{ addresses: ['fd00:10:244::5'], hostname: 'db-0' }], [{ name: 'sql', port: 5432 }]),
  service('files', { type: 'ExternalName', externalName: 'files.example.com' }),
];

describe.skipIf(!kernelTestsRun)('real queries', () => {
  let folder: string;
  let input: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'svc2nft-dns-'));
    input = join(folder, 'objects.json');
    await writeFile(input, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  });

  afterAll(() => rm(folder, { recursive: true }));

  test('get each record, and nothing else, from BIND with the zones, and from the server of its own', async () => {
    const { stdout } = await runMain(['dns', input, '-o', 'json']);
    const { records } = JSON.parse(stdout) as { readonly records: readonly DnsRecord[] };
    expect(new Set(records.map(({ type }) => type))).toEqual(new Set(['A', 'AAAA', 'SRV', 'PTR', 'CNAME', 'TXT']));
    const questions = [...new Set(records.map(({ name, type }) => `${name} ${type}`))];
    const script = `
      ip link set lo up
      cd ${folder} && svc2nft dns ${input} --zones zones 2> /dev/null
      cd zones
      sed 's/directory "."/& ; listen-on port 5353 { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none/' named.conf > server.conf
      named -g -c server.conf > server.log 2>&1 &
      server=$!
      trap 'kill $server; wait $server' EXIT
      for attempt in $(seq 100); do
        dig @127.0.0.1 -p 5353 +tries=1 +time=1 +short dns-version.cluster.local TXT 2> /dev/null | grep 1.1.0 > /dev/null && break
        sleep 0.1
      done
      node ${resolve('bin/svc2nft.js')} dns ${input} --serve 127.0.0.1:5354 2> own.log &
      own=$!
      trap 'kill $server $own; wait' EXIT
      until grep -q serving own.log; do sleep 0.1; done
      for port in 5353 5354; do
        echo "port $port"
        while read -r question; do
          dig @127.0.0.1 -p $port +noall +answer +nottlid $question
        done <<'QUESTIONS'
${questions.join('\n')}
QUESTIONS
        for question in 'nobody.shop.svc.cluster.local A' 'svc.cluster.local A' 'web.shop.svc.cluster.local TXT' 'example.com A'; do
          dig @127.0.0.1 -p $port +noall +comments $question | sed -n 's/.*status: \\([A-Z]*\\).*/status \\1/p'
        done
      done
    `;
    const answers = await runInNamespace(script);
    const lines = answers.map((line) => line.replace(/\s+/g, ' '));
    // A slow machine may have something to say while the servers start.
    const [first, second] = [lines.indexOf('port 5353'), lines.indexOf('port 5354')];
    const [bind, own] = [lines.slice(first + 1, second), lines.slice(second + 1)];
    const expected = records.map((record) => `${record.name} IN ${record.type} ${recordData(record)}`);
    const statuses = ['NXDOMAIN', 'NOERROR', 'NOERROR', 'REFUSED'].map((status) => `status ${status}`);
    expect(bind.sort()).toEqual([...expected, ...statuses].sort());
    expect(own.sort()).toEqual([...expected, ...statuses].sort());
  });
});
