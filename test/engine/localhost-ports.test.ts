import { expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { LocalhostPort } from '../../src/engine/localhost-ports.ts';
import type { CompileOptions } from '../../src/options.ts';
import { type Manifest, service, slice, workerNode } from '../apply/kernel/manifests.ts';

function nodePort(name: string, last: number, spec: Manifest = {}): Manifest {
  const ports = [
    { name: 'http', port: 80, nodePort: 30_080 },
    { name: 'dns', port: 53, nodePort: 30_053, protocol: 'UDP' },
  ];
  return service(name, { type: 'NodePort', clusterIP: `10.96.0.${last}`, ports, ...spec });
}

function startEngine(options: Partial<CompileOptions>, ...objects: readonly Manifest[]) {
  const engine = createEngine({ nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'], ...options });
  engine.update({ apply: [workerNode, ...objects], complete: true });
  return {
    take: () => engine.takeLocalhostPorts().map(textOf),
    apply: (...changed: readonly Manifest[]) => engine.update({ apply: changed }),
    remove: (kind: string, name: string) => engine.update({ remove: [{ kind, namespace: 'shop', name }] }),
  };
}

function textOf({ family, port, target }: LocalhostPort): string {
  const where = target?.endpoints.map(({ address, port: number }) => `${address}:${number}`).join(' ');
  return `${family} ${port} ${target ? `${target.name}:${target.portName} ${where}` : 'closed'}`;
}

const served = { localhostNodePorts: true, nodePortAddresses: ['primary', 'localhost'] };

test('node ports of TCP are told when they change, in the words of the engine', () => {
  const { take, apply, remove } = startEngine(served, nodePort('web', 10), slice('web', ['10.244.1.1', '10.244.2.1']));
  expect(take()).toEqual(['ip 30080 web:http 10.244.1.1:8080 10.244.2.1:8080']);
  expect(take()).toEqual([]);
  apply(slice('web', ['10.244.2.1']));
  expect(take()).toEqual(['ip 30080 web:http 10.244.2.1:8080']);
  apply(nodePort('web', 10, { externalTrafficPolicy: 'Local' }));
  expect(take()).toEqual(['ip 30080 closed']);
  apply(slice('web', ['10.244.2.1', '10.244.1.2']));
  expect(take()).toEqual(['ip 30080 web:http 10.244.1.2:8080']);
  remove('Service', 'web');
  expect(take()).toEqual(['ip 30080 closed']);
});

test('a node port that two Services claim is that of the one that rules give it to', () => {
  const { take, remove } = startEngine(
    served,
    nodePort('web', 10),
    nodePort('xml', 11),
    slice('web', ['10.244.1.1']),
    slice('xml', ['10.244.1.2']),
  );
  expect(take()).toEqual(['ip 30080 web:http 10.244.1.1:8080']);
  remove('Service', 'web');
  expect(take()).toEqual(['ip 30080 xml:http 10.244.1.2:8080']);
});

test.each<[string, Partial<CompileOptions>]>([
  ['the feature gate', { ...served, localhostNodePorts: false }],
  ['a loopback address among nodePortAddresses', { ...served, nodePortAddresses: ['all'] }],
])('nothing is told without %s', (_, options) => {
  const { take } = startEngine(options, nodePort('web', 10), slice('web', ['10.244.1.1']));
  expect(take()).toEqual([]);
});
