import { expect, test } from 'vitest';
import { type Answer, says } from '../support/fake-nft.ts';
import { service, slice, workerNode } from './kernel/manifests.ts';
import { startProxy } from './start-proxy.ts';

const web = service('web', {
  type: 'LoadBalancer',
  clusterIP: '10.96.0.1',
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: 31_000,
  ports: [{ name: 'http', port: 80 }],
});

test('health checks are told once the kernel holds what they tell of', async () => {
  let isBroken = false;
  const failing: Answer = ({ command }) => (isBroken && command === 'nft -f -' ? says.notPermitted : undefined);
  const { proxy } = await startProxy({ nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] }, failing);
  const told = async (...apply: readonly unknown[]): Promise<unknown> => {
    const { healthChecks } = await proxy.update({ apply, complete: true });
    return healthChecks.map(({ port, localEndpoints }) => [port, localEndpoints]);
  };
  expect(await told(workerNode, web, slice('web', ['10.244.1.1']))).toEqual([[31_000, { ip: 1 }]]);
  isBroken = true;
  expect(await told(slice('web', ['10.244.1.1', '10.244.1.2']))).toEqual([]);
  expect(await told(slice('web', ['10.244.2.1']))).toEqual([]);
  isBroken = false;
  expect(await told()).toEqual([[31_000, { ip: 0 }]]);
  expect(await told()).toEqual([]);
});

test('there are none at what is not a port, which an API server refuses', async () => {
  const { proxy } = await startProxy({ nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] });
  const strange = { ...web, spec: { ...(web['spec'] as object), healthCheckNodePort: 99_999 } };
  const { ok, healthChecks } = await proxy.update({ apply: [workerNode, strange], complete: true });
  expect({ ok, healthChecks }).toEqual({ ok: true, healthChecks: [] });
});
