import { expect, test } from 'vitest';
import { type Credentials, connectToCluster, describeConnectionError } from '../../src/cluster/cluster-connection.ts';
import { ApiServer } from '../support/api-server.js';
import { createCertificate } from '../support/certificates.ts';

/** A connection whose credentials are never there; how often they were asked for. */
async function connect(credentialsTimeout?: number) {
  const asked = { count: 0 };
  const connection = await connectToCluster({
    server: 'http://127.0.0.1:1',
    readCredentials: () => {
      asked.count += 1;
      return new Promise<Credentials>(() => undefined);
    },
    ...(credentialsTimeout !== undefined && { credentialsTimeout }),
  });
  return { connection, asked };
}

test('a program for credentials that hangs is reported, and not started a second time', async () => {
  const { connection, asked } = await connect(10);
  const get = () => connection.get('/api/v1/nodes', new AbortController().signal);
  await Promise.all([
    expect(get()).rejects.toThrow('the credentials could not be read within 0.01 s'),
    expect(get()).rejects.toThrow('the credentials could not be read within 0.01 s'),
  ]);
  await expect(get()).rejects.toThrow('the credentials could not be read within 0.01 s');
  expect(asked.count).toBe(1);
  await connection.close();
});

test('a request that waits for credentials ends when it is aborted', async () => {
  const { connection } = await connect();
  const end = new AbortController();
  const request = connection.get('/api/v1/nodes', end.signal);
  end.abort();
  await expect(request).rejects.toThrow('aborted');
  await connection.close();
});

test('a client certificate that is not valid, such as half of a file, is an error of each request until it is', async () => {
  const authority = createCertificate({ names: ['authority'] });
  const server = new ApiServer({ tls: createCertificate({ issuer: authority }) });
  await server.listen();
  let tls: Credentials['tls'] = { ca: authority.cert, cert: authority.cert.slice(0, 100), key: 'half' };
  const connection = await connectToCluster({
    server: server.url,
    readCredentials: () => Promise.resolve({ headers: {}, tls }),
  });
  const get = () => connection.get('/api/v1/nodes', new AbortController().signal);
  const complaint = await get().catch(describeConnectionError);
  expect(complaint).toBe('the client certificate or its key is not valid: error:04800066:PEM routines::bad end line');
  expect(await get().catch(describeConnectionError)).toBe(complaint);
  tls = { ca: authority.cert };
  expect(await get()).toMatchObject({ status: 200 });
  await connection.close();
  await server.close();
});
