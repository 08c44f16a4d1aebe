import { expect, test } from 'vitest';
import { parseTarget } from '../../../src/inspect/explain/parse-names.ts';
import { nameServicePorts } from '../../../src/inspect/list/list-unserved.ts';
import { compareNames } from '../../../src/lib/text.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { listFixtures } from '../../support/fixture.ts';
import { takeDocuments, takeFixture } from './take-fixture.ts';

test.each(listFixtures())('%s: names are read back as the service ports', (name) => {
  const { items, views } = takeFixture(name);
  const names = nameServicePorts(items);
  const ports = views.flatMap(({ servicePorts }) => servicePorts);
  const wanted = new Set(ports.map((port) => JSON.stringify([port.namespace, port.name, port.portName])));
  const read = names.map((text) => {
    const target = parseTarget(text);
    if (typeof target === 'string' || target.kind !== 'service') {
      throw new Error(`${text}: ${JSON.stringify(target)}`);
    }
    return JSON.stringify([target.namespace, target.name, target.port ?? '']);
  });
  expect(new Set(read)).toEqual(wanted);
  expect(names).toEqual([...new Set(names)].sort(compareNames));
});

test('a port of several protocols, an unnamed one, and a Service without rules', () => {
  const service = (name: string, spec: object): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name },
    spec,
  });
  const { items } = takeDocuments(
    documentsOf([
      service('dns', {
        clusterIP: '10.96.0.53',
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns', port: 53, protocol: 'TCP' },
        ],
      }),
      service('plain', { clusterIP: '10.96.0.54', ports: [{ port: 80 }] }),
      service('peers', { clusterIP: 'None', ports: [{ port: 80 }] }),
    ]),
    { families: ['ip'] },
  );
  expect(nameServicePorts(items)).toEqual([
    'service:shop/dns:dns/tcp',
    'service:shop/dns:dns/udp',
    'service:shop/plain',
  ]);
});
