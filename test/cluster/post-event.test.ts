import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ClusterConnection, connectToCluster } from '../../src/cluster/cluster-connection.ts';
import { type EventText, postEvent } from '../../src/cluster/post-event.ts';
import { ApiServer } from '../support/api-server.js';

const web = { kind: 'Service', metadata: { name: 'web', namespace: 'shop', uid: '1-2-3' } };
const other = { kind: 'Service', metadata: { name: 'web', namespace: 'other', uid: '4-5-6' } };
const worker = { kind: 'Node', metadata: { name: 'worker-1', uid: '7-8-9' } };

let server: ApiServer;
let connection: ClusterConnection;

beforeEach(async () => {
  server = new ApiServer({ objects: [other, web, worker] });
  await server.listen();
  connection = await connectToCluster({
    server: server.url,
    readCredentials: async () => ({ headers: { authorization: 'Bearer secret' }, tls: {} }),
  });
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

function post(event: Partial<EventText>, nodeName = 'worker-1') {
  return postEvent(
    {
      regarding: { kind: 'Service', namespace: 'shop', name: 'web' },
      reason: 'Reason',
      action: 'Act',
      note: 'what happened',
      ...event,
    },
    {
      connection,
      signal: new AbortController().signal,
      nodeName,
      wallClock: () => new Date('2030-01-02T03:04:05.678Z'),
      newId: () => '0123456789abcdef',
    },
  );
}

test('an Event is about the object as it is now', async () => {
  server.requireToken('secret');
  expect(await post({})).toBe(true);
  expect(server.events()).toEqual([
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'web.0123456789abcdef', namespace: 'shop' },
      eventTime: '2030-01-02T03:04:05.678000Z',
      reportingController: 'svc2nft',
      reportingInstance: 'svc2nft-worker-1',
      action: 'Act',
      reason: 'Reason',
      regarding: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: '1-2-3' },
      note: 'what happened',
      type: 'Warning',
    },
  ]);
});

test('an Event about a Node is in the namespace default', async () => {
  expect(await post({ regarding: { kind: 'Node', name: 'worker-1' } })).toBe(true);
  expect(server.events()).toMatchObject([
    {
      metadata: { name: 'worker-1.0123456789abcdef', namespace: 'default' },
      regarding: { apiVersion: 'v1', kind: 'Node', name: 'worker-1', uid: '7-8-9' },
    },
  ]);
});

test('there is none about what is gone', async () => {
  expect(await post({ regarding: { kind: 'Service', namespace: 'shop', name: 'mail' } })).toBe(false);
  expect(await post({ regarding: { kind: 'Node', name: 'worker-9' } })).toBe(false);
  expect(server.events()).toEqual([]);
});

test('what is too long for an API server is cut', async () => {
  const long = `${'n'.repeat(198)}-.${'n'.repeat(50)}`;
  server.apply({ kind: 'Node', metadata: { name: long, uid: 'u' } });
  for (const note of ['x'.repeat(2_000), 'ä'.repeat(1_500), '\u{1f984}'.repeat(900)]) {
    expect(await post({ regarding: { kind: 'Node', name: long }, note }, long)).toBe(true);
  }
  const events = server.events() as unknown as { note: string; reportingInstance: string }[];
  expect(events.every(({ note }) => Buffer.byteLength(note) <= 1_024 && note.endsWith('...'))).toBe(true);
  expect(events.every(({ reportingInstance }) => reportingInstance.length <= 128)).toBe(true);
  expect(server.events()[0]?.metadata.name).toBe(`${'n'.repeat(198)}.0123456789abcdef`);
});

test('a refusal is an error with the words of the server', async () => {
  server.forbid({ events: '' });
  await expect(post({})).rejects.toThrow('cannot create resource "events"');
  server.refuse({ status: 503 });
  await expect(post({})).rejects.toThrow('no answer for now');
});
