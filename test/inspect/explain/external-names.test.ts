import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../../src/inspect/explain/explanation.ts';
import { runMain } from '../../support/run-main.ts';

const shop = readFileSync(new URL('../../../docs/shop.yaml', import.meta.url), 'utf8');

/** A line of YAML for a Service in namespace ext that is an alias in DNS. */
function alias(name: string, externalName: string, ports = ''): string {
  return `---\n{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: ext}, spec: {type: ExternalName, externalName: "${externalName}"${ports}}}\n`;
}

const input = [
  shop,
  alias('web', 'web.shop.svc.cluster.local', ', ports: [{name: plain, port: 80}, {name: wrong, port: 81}]'),
  alias('dotted', 'Web.Shop.SVC.cluster.local.'),
  alias('short', 'web.shop.svc'),
  alias('twice', 'dotted.ext.svc.cluster.local'),
  '---\n{apiVersion: v1, kind: Service, metadata: {name: dual, namespace: shop}, spec: {clusterIP: "fd00:96::9", clusterIPs: ["fd00:96::9", 10.96.7.9], ipFamilies: [IPv6, IPv4], externalIPs: [192.0.2.200], ports: [{port: 80}]}}\n',
  alias('dual', 'dual.shop.svc.cluster.local'),
  alias('headless', 'db.shop.svc.cluster.local'),
  alias('gone', 'wbe.shop.svc.cluster.local'),
  alias('gone-later', 'gone.ext.svc.cluster.local'),
  alias('self', 'self.ext.svc.cluster.local'),
  alias('loop-1', 'loop-2.ext.svc.cluster.local'),
  alias('loop-2', 'loop-3.ext.svc.cluster.local'),
  alias('loop-3', 'loop-2.ext.svc.cluster.local'),
  alias('host', 'db.example.com'),
  alias('other-domain', 'web.shop.svc.example.com'),
  alias('pod', 'web-1.web.shop.svc.cluster.local'),
  ...Array.from({ length: 9 }, (_, index) =>
    alias(`hop-${index + 1}`, `${index === 8 ? 'web.shop' : `hop-${index + 2}.ext`}.svc.cluster.local`),
  ),
].join('');

async function explain(to: string, ...flags: readonly string[]): Promise<{ notes: string; lines: string[] }> {
  const settings = ['--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16,fd00:10::/56', ...flags];
  const result = await runMain(['explain', '-', ...settings, '--from', 'pod:shop/session-1', '--to', to], { input });
  return { notes: result.stderr, lines: result.stdout.split('\n') };
}

const name = 'web.shop.svc.cluster.local';
const web = 'which is Service shop/web at 10.96.0.10';

describe('an external name that is that of a Service', () => {
  test.each([
    ['ext/web', `ext/web is of type ExternalName: DNS gives ${name}, ${web}`],
    ['svc/ext/dotted:80', `ext/dotted is of type ExternalName: DNS gives ${name}, ${web}`],
    ['twice.ext', `ext/twice is of type ExternalName: DNS gives dotted.ext.svc.cluster.local, then ${name}, ${web}`],
    ['ext/web:plain', `ext/web is of type ExternalName: DNS gives ${name}, ${web}`],
  ])('%s leads to the cluster IP', async (to, note) => {
    const { notes, lines } = await explain(to);
    expect(notes).toBe(`note: ${note}\n`);
    expect(lines.slice(0, 3)).toEqual([
      'SENT to one of 2 endpoints of shop/web:http',
      '',
      'tcp from 10.244.1.61 to 10.96.0.10:80 on worker-1',
    ]);
  });

  test('of two families has two addresses, and other addresses are not asked about', async () => {
    const { notes, lines } = await explain('ext/dual', '-o', 'json');
    expect(notes).toBe(
      'note: ext/dual is of type ExternalName: DNS gives dual.shop.svc.cluster.local, which is Service shop/dual at 10.96.7.9 and fd00:96::9\n',
    );
    const { frontends } = JSON.parse(lines.join('\n')) as Answer;
    expect(frontends.map(({ packet }) => packet?.destination)).toEqual(['10.96.7.9']);
  });

  test('without the domain of the cluster, a second note says so', async () => {
    const { notes, lines } = await explain('ext/short');
    expect(notes.split('\n')).toEqual([
      `note: ext/short is of type ExternalName: DNS gives web.shop.svc, ${web}`,
      'note: external name web.shop.svc lacks the cluster domain, which DNS does not add to it, so clients may not find it; write web.shop.svc.cluster.local',
      '',
    ]);
    expect(lines[0]).toBe('SENT to one of 2 endpoints of shop/web:http');
  });

  test.each([
    [
      'ext/web:8080',
      'REFUSED (the client gets a TCP reset at once): shop/web listens on 80/tcp (http); 8080 is its target port',
    ],
    ['ext/web:wrong', 'REFUSED (the client gets a TCP reset at once): shop/web listens on 80/tcp (http), not on 81'],
  ])('%s: its own ports have no effect', async (to, headline) => {
    expect((await explain(to)).lines[0]).toBe(headline);
  });

  test('-o json is about the Service', async () => {
    const { lines } = await explain('ext/twice', '-o', 'json');
    expect(JSON.parse(lines.join('\n'))).toMatchObject({
      packet: { destination: '10.96.0.10', port: 80 },
      service: { name: 'shop/web:http', type: 'ClusterIP' },
    });
  });

  test('leads to the pods of a headless Service', async () => {
    const { notes, lines } = await explain('ext/headless');
    expect(notes).toBe(
      'note: ext/headless is of type ExternalName: DNS gives db.shop.svc.cluster.local, which is Service shop/db\n',
    );
    expect(lines[0]).toBe(
      'DNS ONLY (no rule is involved): shop/db is headless (clusterIP None): DNS gives the addresses of its pods, 10.244.2.71 (shop/db-0)',
    );
  });
});

describe('an external name that leads to no Service', () => {
  test.each([
    ['ext/host', '', 'ext/host', 'db.example.com'],
    ['ext/other-domain', '', 'ext/other-domain', 'web.shop.svc.example.com'],
    ['ext/pod', '', 'ext/pod', 'web-1.web.shop.svc.cluster.local'],
    ['ext/gone', '', 'ext/gone', 'wbe.shop.svc.cluster.local, but there is no Service shop/wbe'],
    [
      'ext/gone-later',
      'note: ext/gone-later is of type ExternalName: DNS gives gone.ext.svc.cluster.local, which is Service ext/gone\n',
      'ext/gone',
      'wbe.shop.svc.cluster.local, but there is no Service shop/wbe',
    ],
    ['ext/self', '', 'ext/self', 'self.ext.svc.cluster.local, which forms a loop: ext/self -> ext/self'],
    [
      'ext/loop-1',
      'note: ext/loop-1 is of type ExternalName: DNS gives loop-2.ext.svc.cluster.local, then loop-3.ext.svc.cluster.local, which is Service ext/loop-3\n',
      'ext/loop-3',
      'loop-2.ext.svc.cluster.local, which forms a loop: ext/loop-1 -> ext/loop-2 -> ext/loop-3 -> ext/loop-2',
    ],
  ])('%s', async (to, notes, service, end) => {
    const answer = await explain(to);
    expect(answer.notes).toBe(notes);
    expect(answer.lines[0]).toBe(
      `DNS ONLY (no rule is involved): ${service} is of type ExternalName: DNS gives the name ${end}`,
    );
  });

  test('more than eight names are not followed', async () => {
    expect((await explain('ext/hop-1')).lines[0]).toBe(
      `DNS ONLY (no rule is involved): ext/hop-9 is of type ExternalName: DNS gives the name ${name}, but DNS follows only 8 names in a row`,
    );
    expect((await explain('ext/hop-2')).lines[0]).toBe('SENT to one of 2 endpoints of shop/web:http');
  });
});
