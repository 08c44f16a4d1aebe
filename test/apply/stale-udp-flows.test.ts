import { describe, expect, test } from 'vitest';
import type { CompileOptions } from '../../src/options.ts';
import { node, workerOptions } from '../engine/worker.ts';
import { service, service6 } from '../inspect/changes/shop.ts';
import { type Answer, answering, listTable, printed, refusing, says } from '../support/fake-nft.ts';
import { type FakeProxy, runProxy, startProxy } from './start-proxy.ts';

const listFlows = 'conntrack -L -p udp -f ipv4';
const deleteFlow =
  'conntrack -D -p udp -f ipv4 --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.244.2.5 --reply-port-src 8080';
/** A client of 10.96.0.10:53 that 10.244.2.5 answers. */
const flow =
  'udp      17 29 src=10.1.1.5 dst=10.96.0.10 sport=4000 dport=53 src=10.244.2.5 dst=10.1.1.5 sport=8080 dport=4000 mark=0 use=1\n';
const flowIsThere: readonly Answer[] = [
  answering(listFlows, { stdout: flow }),
  answering(deleteFlow, { stdout: flow }),
];

const dns = (hosts: readonly string[]) => service('dns', hosts, { port: { protocol: 'UDP', port: 53 } });
const remove = [{ kind: 'Service', namespace: 'shop', name: 'dns' }];

function running(options: Partial<CompileOptions> = {}): Promise<FakeProxy> {
  return runProxy([node(), ...dns(['2.5', '2.6'])], options);
}

describe('stale UDP flows', () => {
  test('are looked for at the start, where UDP is served', async () => {
    const { proxy, nft } = await startProxy(workerOptions, ...flowIsThere);
    const outcome = await proxy.update({ apply: [node(), ...dns(['2.6'])], complete: true });
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', listFlows, deleteFlow]);
    expect(outcome.conntrack).toEqual({ deleted: 1 });
  });

  test('are looked for at the start where the table served UDP before, and only there', async () => {
    const map = { name: 'service-ips', type: ['ipv4_addr', 'inet_proto', 'inet_service'], map: 'verdict' };
    const elem = [[{ concat: ['10.96.0.10', 'udp', 53] }, { goto: { target: 'udp-cluster-1' } }]];
    const before = printed('ip', [{ map: { ...map, elem } }, { chain: { name: 'udp-cluster-1' } }]);
    const { proxy, nft } = await startProxy(workerOptions, answering(listTable.ip, before), ...flowIsThere);
    const outcome = await proxy.update({ apply: [node(), ...service('cart', ['2.5'])], complete: true });
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', listFlows, deleteFlow]);
    expect(outcome.conntrack).toEqual({ deleted: 1 });
  });

  test('are deleted after the change that makes them stale', async () => {
    const { proxy, nft } = await running();
    nft.answers.push(...flowIsThere);
    const outcome = await proxy.update({ apply: [dns(['2.6'])[1]] });
    expect(nft.commandsSince()).toEqual(['nft -f -', listFlows, deleteFlow]);
    expect(outcome).toMatchObject({ ok: true, conntrack: { deleted: 1 } });
    expect((await proxy.update({})).conntrack).toBeUndefined();
  });

  test('exist for UDP only', async () => {
    const { proxy, nft } = await runProxy([node(), ...service('cart', ['2.5', '2.6'])]);
    const outcome = await proxy.update({ apply: [service('cart', ['2.6'])[1]] });
    expect(nft.commandsSince()).toEqual(['nft -f -']);
    expect(outcome.conntrack).toBeUndefined();
  });

  test('are not deleted while the table still sends them there, but with the next one that is good', async () => {
    const { proxy, nft } = await running();
    nft.answers.push(refusing('udp', says.noMemory), ...flowIsThere);
    const failed = await proxy.update({ remove });
    expect(failed).toMatchObject({ ok: false, conntrack: undefined });
    expect(nft.commandsSince()).toEqual(['nft -f -']);

    nft.answers.splice(0, 1);
    // Neither the objects nor the table, which is not there, tell of the Service any more.
    const outcome = await proxy.update({});
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', listFlows, deleteFlow]);
    expect(outcome).toMatchObject({ ok: true, conntrack: { deleted: 1 } });
  });

  test('are deleted in the family that could be changed, and later in the other', async () => {
    const { proxy, nft } = await running({ families: ['ip', 'ip6'] });
    nft.answers.push(refusing('ip svc2nft', says.noMemory), ...flowIsThere);
    const failed = await proxy.update({ apply: [dns(['2.6'])[1]] });
    expect(failed.conntrack).toBeUndefined();
    expect(nft.commandsSince()).toEqual(['nft -f -']);
    nft.answers.splice(0, 1);
    await proxy.update({});
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', listFlows, deleteFlow]);
  });

  test('of a family whose table is as it was are left', async () => {
    const both = (host: string) => [
      ...dns([host]),
      {
        ...service6('dns', [host])[1],
        metadata: { namespace: 'shop', name: 'dns-6', labels: { 'kubernetes.io/service-name': 'dns' } },
        ports: [{ name: 'http', protocol: 'UDP', port: 8080 }],
      },
    ];
    const spec = { clusterIPs: ['10.96.0.10', 'fd00:10:96::10'], ipFamilies: ['IPv4', 'IPv6'] };
    const dualStack = service('dns', [], { port: { protocol: 'UDP', port: 53 }, spec })[0];
    const { proxy, nft } = await runProxy([node(), ...both('2.5'), dualStack], { families: ['ip', 'ip6'] });
    nft.answers.push(refusing('ip svc2nft', says.noMemory));
    await proxy.update({ apply: [...both('2.6'), dualStack] });
    // Both families together, then each by itself.
    expect(nft.commandsSince()).toEqual(['nft -f -', 'nft -f -', 'nft -f -', 'conntrack -L -p udp -f ipv6']);
  });

  test('of several failures are not forgotten', async () => {
    const other = service('other', ['2.5'], {
      port: { protocol: 'UDP', port: 53 },
      spec: { clusterIP: '10.96.0.11' },
    });
    const { proxy, nft } = await runProxy([node(), ...dns(['2.5']), ...other]);
    nft.answers.push(refusing('ip svc2nft', says.noMemory), ...flowIsThere);
    await proxy.update({ remove });
    await proxy.update({ remove: [{ kind: 'Service', namespace: 'shop', name: 'other' }] });
    nft.answers.splice(0, 1);
    expect((await proxy.update({})).conntrack).toEqual({ deleted: 1 });
  });

  test('are tried again when conntrack fails, which the outcome reports without being a failure', async () => {
    const { proxy, nft } = await running();
    nft.answers.push(answering(listFlows, { exitCode: 1, stderr: 'conntrack v1.4.7 (conntrack-tools): no\n' }));
    const failed = await proxy.update({ apply: [dns(['2.6'])[1]] });
    expect(failed).toMatchObject({ ok: true, conntrack: { deleted: 0, failed: 'IPv4: no' } });
    nft.answers.length = 0;
    nft.answers.push(...flowIsThere);
    expect((await proxy.update({})).conntrack).toEqual({ deleted: 1 });
  });

  test('are not checked again without conntrack', async () => {
    const { proxy, nft } = await running();
    nft.answers.push(answering(listFlows, says.missing));
    const outcome = await proxy.update({ apply: [dns(['2.6'])[1]] });
    expect(outcome).toMatchObject({ ok: true, conntrack: { deleted: 0, missing: true } });
    expect((await proxy.update({})).conntrack).toBeUndefined();
  });

  test('do not wait for a Node that has lost its address', async () => {
    const { proxy, nft } = await running();
    nft.answers.push(refusing('udp', says.noMemory), ...flowIsThere);
    await proxy.update({ apply: [dns(['2.6'])[1]] });
    nft.answers.splice(0, 1);
    const outcome = await proxy.update({ apply: [node({ address: 'nowhere' })] });
    expect(outcome).toMatchObject({ ok: true, conntrack: { deleted: 1 }, waitsFor: undefined });
    expect(outcome.diagnostics.map(({ code }) => code)).toEqual(['ignored-address', 'no-node-address']);
  });
});
