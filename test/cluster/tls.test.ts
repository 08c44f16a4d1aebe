import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Credentials, connectToCluster, describeConnectionError } from '../../src/cluster/cluster-connection.ts';
import { followCluster } from '../../src/cluster/follow-cluster.ts';
import type { ResourceState } from '../../src/cluster/follow-resource.ts';
import { ApiServer, type Tls } from '../support/api-server.js';
import { createCertificate } from '../support/certificates.ts';

/** How long to wait for something that has to happen. */
const patience = { timeout: 20_000, interval: 5 };

let cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) {
    await cleanup();
  }
  cleanups = [];
});

const authority = createCertificate({ names: ['authority'] });
const good = createCertificate({ issuer: authority });

/** Follows a server over TLS. `clientTls` is what the client has and expects. */
async function follow(serverTls: Tls, clientTls: () => Credentials['tls'], prepare?: (server: ApiServer) => void) {
  const server = new ApiServer({ tls: serverTls, objects: [{ kind: 'Node', metadata: { name: 'worker-1' } }] });
  await server.listen();
  prepare?.(server);
  const connection = await connectToCluster({
    server: server.url,
    readCredentials: async () => ({ headers: {}, tls: clientTls() }),
  });
  const reasons: string[] = [];
  const names: string[] = [];
  const follower = followCluster({
    connection,
    nodeName: 'worker-1',
    onChanges: ({ apply = [], complete }) => {
      names.push(...(apply as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name));
      names.push(...(complete ? ['complete'] : []));
    },
    onState: (_, state: ResourceState) => {
      if (state.state === 'retrying') {
        reasons.push(state.reason);
      }
    },
  });
  cleanups.push(
    () => server.close(),
    () => connection.close(),
    () => follower.close(),
  );
  return { server, reasons, names };
}

const name = 'name its issuer with --certificate-authority, or certificate-authority in the kubeconfig';
const client = 'it wants a client certificate, or does not accept this one';

describe('a server whose certificate', () => {
  test.each<[string, Tls, string]>([
    ['is self-signed', createCertificate(), `its certificate is self-signed, and not trusted; ${name}`],
    [
      'has an unknown issuer',
      createCertificate({ issuer: createCertificate({ names: ['another authority'] }) }),
      `its certificate was issued by an authority that is not trusted; ${name}`,
    ],
    [
      'is for other names',
      createCertificate({ issuer: authority, names: ['api.example', '10.0.0.1'] }),
      'its certificate is for other names: DNS:api.example, IP Address:10.0.0.1',
    ],
    [
      'has expired',
      createCertificate({ issuer: authority, days: [-3, -1] }),
      'its certificate has expired; renew it, or check the clock',
    ],
    [
      'is not valid yet',
      createCertificate({ issuer: authority, days: [1, 2] }),
      'its certificate is not valid yet; check the clock',
    ],
  ])('%s is not believed, and followed once it has a good one', async (_, tls, reason) => {
    const { server, reasons, names } = await follow(tls, () => ({ ca: authority.cert }));
    await vi.waitFor(() => expect(reasons.length).toBeGreaterThan(7), patience);
    expect([...new Set(reasons)]).toEqual([reason]);
    expect(names).toEqual([]);
    expect(server.requests).toEqual([]);
    await server.secure(good);
    await vi.waitFor(() => expect(names).toContain('complete'), patience);
    expect(names).toContain('worker-1');
    // One that goes bad later is noticed as well.
    await server.secure(tls);
    const before = reasons.length;
    await vi.waitFor(() => expect(reasons.slice(before)).toContain(reason), patience);
    await server.secure(good);
    server.apply({ kind: 'Service', metadata: { name: 'late', namespace: 'shop' } });
    await vi.waitFor(() => expect(names).toContain('late'), patience);
  });
});

test('an authority that is named later is believed then', async () => {
  let ca: string | undefined;
  const { reasons, names } = await follow(good, () => (ca === undefined ? {} : { ca }));
  await vi.waitFor(() => expect(reasons.length).toBeGreaterThan(3), patience);
  ca = authority.cert;
  await vi.waitFor(() => expect(names).toContain('complete'), patience);
});

test.each([
  ['TLS 1.3', {}, 'it ended the connection without an answer; over TLS it may want a client certificate'],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }, client],
] as const)('a client certificate that is missing is named, over %s', async (_, version, reason) => {
  let own: Credentials['tls'] = {};
  const tls = { ...good, ...version, ca: authority.cert, requestCert: true };
  const { reasons, names } = await follow(tls, () => ({ ca: authority.cert, ...own }));
  await vi.waitFor(() => expect(reasons.length).toBeGreaterThan(7), patience);
  expect([...new Set(reasons)]).toEqual([reason]);
  expect(names).toEqual([]);
  own = createCertificate({ issuer: authority, names: ['agent'] });
  await vi.waitFor(() => expect(names).toContain('complete'), patience);
});

test('connections that are reset during the handshake are tried again', async () => {
  const trusting = (): Credentials['tls'] => ({ ca: authority.cert });
  const { server, reasons, names } = await follow(good, trusting, (one) => one.hangUp(true));
  await vi.waitFor(() => expect(reasons.length).toBeGreaterThan(7), patience);
  expect(reasons.filter((reason) => !/ECONNRESET|before secure TLS connection|without an answer/.test(reason))).toEqual(
    [],
  );
  expect(names).toEqual([]);
  server.hangUp(false);
  await vi.waitFor(() => expect(names).toContain('complete'), patience);
  server.hangUp(true);
  server.hangUp(false);
  server.apply({ kind: 'Service', metadata: { name: 'late', namespace: 'shop' } });
  await vi.waitFor(() => expect(names).toContain('late'), patience);
});

test.each([
  // As other servers than those of Node say it.
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', client],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', client],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'it does not speak TLS; is its URL one with http:?'],
  ['EHOSTUNREACH', 'in the words of \\u001b[1mothers'],
])('an error %s is put into words', (code, words) => {
  expect(describeConnectionError(Object.assign(new Error('in the words of \u001b[1mothers\n'), { code }))).toBe(words);
});

test('an error has a name in any case', () => {
  expect(describeConnectionError(Object.assign(new Error(''), { code: 'ETIMEDOUT' }))).toBe('ETIMEDOUT');
  expect(describeConnectionError(new Error('fetch failed', { cause: new Error('no route') }))).toBe(
    'fetch failed: no route',
  );
  expect(describeConnectionError('odd')).toBe('unknown error');
});
