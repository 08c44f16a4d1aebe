import { expect, test } from 'vitest';
import { type Credentials, connectToCluster } from '../../src/cluster/cluster-connection.ts';

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
