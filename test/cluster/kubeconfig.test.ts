import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectToCluster, describeConnectionError } from '../../src/cluster/cluster-connection.ts';
import { findKubeconfigs, kubeconfigConnectOptions } from '../../src/cluster/kubeconfig.ts';

/** Nothing of it may be seen. */
const secret = 'c2VjcmV0';
const opaque = `abc-${secret}-def`;
const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ${secret}.${secret}`;
const privateKey = `-----BEGIN EC PRIVATE KEY-----\n${secret}\n-----END EC PRIVATE KEY-----\n`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-test-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

/** A kubeconfig, with what identifies its user. */
function configOf(user: object, server = 'https://127.0.0.1:1'): Promise<string> {
  const config = {
    clusters: [{ name: 'local', cluster: { server } }],
    users: [{ name: 'agent', user }],
    contexts: [{ name: 'main', context: { cluster: 'local', user: 'agent' } }],
    'current-context': 'main',
  };
  return write('config', JSON.stringify(config));
}

async function credentialsOf(user: object) {
  const { readCredentials } = await kubeconfigConnectOptions(await configOf(user));
  return readCredentials();
}

/** What is said when that does not work; with all that an error says. */
async function complaint(work: () => Promise<unknown>): Promise<string> {
  const error = await work().then(
    () => expect.fail('it works'),
    (reason: unknown) => reason,
  );
  for (let part = error; part instanceof Error; part = part.cause) {
    expect(`${part.stack}${JSON.stringify(part)}`).not.toContain(secret);
  }
  return describeConnectionError(error);
}

/** A program that prints a text, and what it says besides. */
function program(text: string, { complains = '', exitCode = 0 } = {}) {
  const script = `printf %s "$OUT"; printf %s "$ERR" >&2; exit ${exitCode}`;
  const env = Object.entries({ OUT: text, ERR: complains }).map(([name, value]) => ({ name, value }));
  return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script], env } };
}

describe('a program for credentials', () => {
  test('gives a token, or a certificate with its key', async () => {
    const status = { token: opaque, clientCertificateData: 'certificate', clientKeyData: privateKey };
    expect(await credentialsOf(program(JSON.stringify({ kind: 'ExecCredential', status })))).toEqual({
      headers: { authorization: `Bearer ${opaque}` },
      tls: { cert: 'certificate', key: privateKey },
    });
  });

  test.each([
    ['a token', opaque],
    ['a short token', secret],
    ['a token of JSON', JSON.stringify(opaque)],
    ['a token that begins as JSON does', `[${opaque}`],
    ['an unfinished credential', `{"kind":"ExecCredential","status":{"token":"${opaque}`],
    ['a credential without a status', JSON.stringify({ kind: 'ExecCredential', token: opaque })],
    ['nothing', ''],
  ])('that prints %s in place of a credential is named without what it printed', async (_what, text) => {
    expect(await complaint(() => credentialsOf(program(text)))).toBe(
      'credentials of user "agent": sh did not print an ExecCredential as JSON',
    );
  });

  test.each([
    ['log in first', 'log in first'],
    [`no access with ${jwt}`, 'no access with [hidden]'],
    [`Authorization: Bearer ${opaque}-${opaque}`, 'Authorization: Bearer [hidden]'],
    [`cannot use ${privateKey}`, 'cannot use [hidden]'],
    [`proxy http://me:${secret}@proxy:3128 is away`, 'proxy http://[hidden]@proxy:3128 is away'],
    ['', 'sh failed without a message'],
  ])('that fails is quoted without credentials: %s', async (complains, words) => {
    expect(await complaint(() => credentialsOf(program('', { complains, exitCode: 1 })))).toBe(
      `credentials of user "agent": ${words}`,
    );
  });

  test('that is missing is named', async () => {
    expect(await complaint(() => credentialsOf({ exec: { command: '/nowhere/login' } }))).toBe(
      'credentials of user "agent": spawn /nowhere/login ENOENT',
    );
  });
});

describe('a kubeconfig', () => {
  test.each([
    [
      'not YAML',
      `users:\n- name: agent\n  user:\n    token: ${opaque}\n   broken: "${secret}\n`,
      ':5:1: not valid YAML',
    ],
    ['an alias', `users:\n- name: agent\n  user:\n    token: *${secret}\n`, ': not valid YAML'],
    ['empty', '', ': not a kubeconfig'],
    ['a token', opaque, ': not a kubeconfig'],
    ['without a name', `users: [{ user: { token: ${opaque} } }]`, ': users[0].name is missing'],
  ])('that is wrong is not quoted: %s', async (_what, text, words) => {
    const file = await write('broken', text);
    expect(await complaint(() => kubeconfigConnectOptions(file))).toBe(`${file}${words}`);
  });

  test('with a proxy, which is not supported, is refused without its URL', async () => {
    const cluster = { server: 'https://127.0.0.1:1', 'proxy-url': `http://me:${secret}@proxy:3128` };
    const file = await write(
      'proxied',
      JSON.stringify({
        clusters: [{ name: 'local', cluster }],
        contexts: [{ name: 'main', context: { cluster: 'local' } }],
        'current-context': 'main',
      }),
    );
    expect(await complaint(() => kubeconfigConnectOptions(file))).toBe(`${file}: proxy-url is not supported`);
  });

  test('with a user and a password sends both', async () => {
    const basic = Buffer.from(`me:${opaque}`).toString('base64');
    expect(await credentialsOf({ username: 'me', password: opaque })).toMatchObject({
      headers: { authorization: `Basic ${basic}` },
    });
  });

  test('with a file for the token reads it each time', async () => {
    await write('token', 'first\n');
    const { readCredentials } = await kubeconfigConnectOptions(await configOf({ tokenFile: 'token', token: 'older' }));
    expect(await readCredentials()).toMatchObject({ headers: { authorization: 'Bearer first' } });
    await write('token', 'second\n');
    expect(await readCredentials()).toMatchObject({ headers: { authorization: 'Bearer second' } });
    await rm(join(folder, 'token'));
    expect(await complaint(readCredentials)).toContain('ENOENT');
  });
});

describe('a kubeconfig that lacks something', () => {
  const contexts = (...names: string[]) =>
    names.map((name) => ({ name, context: { cluster: 'gone', user: 'nobody' } }));

  test.each([
    [{ contexts: contexts('a', 'b') }, undefined, 'there is no current-context; use --context (it has a, b)'],
    [{ contexts: contexts('a'), 'current-context': 'b' }, undefined, 'there is no context "b" (it has a)'],
    [{ contexts: contexts('a'), 'current-context': 'a' }, 'c', 'there is no context "c" (it has a)'],
    [{}, 'c', 'there is no context "c" (it has none)'],
    [{ contexts: contexts('a') }, 'a', 'the cluster of context "a" is missing'],
  ])('is named: %j, context %s', async (content, context, words) => {
    const file = await write('lacking', JSON.stringify(content));
    expect(await complaint(() => kubeconfigConnectOptions(file, { context }))).toBe(`${file}: ${words}`);
  });

  test('is not even there', async () => {
    const file = join(folder, 'nowhere');
    expect(await complaint(() => kubeconfigConnectOptions(file))).toBe(`${file}: no such file`);
    expect(await complaint(() => kubeconfigConnectOptions(folder))).toBe(`${folder}: a folder`);
  });
});

describe('several kubeconfigs', () => {
  test('are one, in which the first word on each thing counts, and paths are from the folder of each', async () => {
    await mkdir(join(folder, 'other'), { recursive: true });
    await write('other/ca.crt', 'the certificate');
    await write('other/token', 'the token\n');
    const first = {
      clusters: [{ name: 'east', cluster: { server: 'https://east:1' } }],
      users: [{ name: 'me', user: { tokenFile: 'other/token' } }],
      contexts: [{ name: 'main', context: { cluster: 'west', user: 'me' } }],
    };
    const second = {
      clusters: [
        { name: 'west', cluster: { server: 'https://west:1', 'certificate-authority': 'ca.crt' } },
        { name: 'east', cluster: { server: 'https://not-this-one:1' } },
      ],
      users: [{ name: 'me', user: { token: opaque } }],
      contexts: [
        { name: 'main', context: { cluster: 'east', user: 'me' } },
        { name: 'spare', context: { cluster: 'east', user: 'me' } },
      ],
      'current-context': 'main',
    };
    const files = [await write('first', JSON.stringify(first)), await write('other/second', JSON.stringify(second))];
    const main = await kubeconfigConnectOptions(files);
    expect({ server: main.server, ...(await main.readCredentials()) }).toEqual({
      server: 'https://west:1',
      headers: { authorization: 'Bearer the token' },
      tls: { ca: Buffer.from('the certificate') },
    });
    expect((await kubeconfigConnectOptions(files, { context: 'spare' })).server).toBe('https://east:1');
    expect((await kubeconfigConnectOptions(files, { server: 'http://here:1' })).server).toBe('http://here:1');
  });

  test.each<[Record<string, string>, readonly string[], readonly string[]]>([
    [{}, ['/home/me/.kube/config'], ['/home/me/.kube/config']],
    [{}, [], []],
    [{ KUBECONFIG: '' }, ['/home/me/.kube/config'], ['/home/me/.kube/config']],
    [{ KUBECONFIG: '/a::/b' }, ['/a', '/b', '/home/me/.kube/config'], ['/a', '/b']],
    [{ KUBECONFIG: '/a:/b' }, ['/b'], ['/b']],
    [{ KUBECONFIG: '/a' }, ['/home/me/.kube/config'], []],
  ])('are found as kubectl finds them: %j where there are %j', (env, there, found) => {
    expect(findKubeconfigs(env, '/home/me', (path) => there.includes(path))).toEqual(found);
  });
});

describe('a request', () => {
  test.each([
    ['a token of two lines', { authorization: `Bearer ${opaque}\n${secret}` }, {}],
    ['a key that cannot be read', {}, { cert: `certificate ${secret}`, key: privateKey }],
  ])('with %s fails without quoting it', async (_what, headers: Readonly<Record<string, string>>, tls) => {
    const connection = await connectToCluster({
      server: 'https://127.0.0.1:1',
      readCredentials: () => Promise.resolve({ headers, tls }),
    });
    expect(await complaint(() => connection.get('/version', new AbortController().signal))).not.toBe('');
    await connection.close();
  });

  test('is not sent to a URL with a user and a password, which would be dropped', async () => {
    const server = `https://me:${opaque}@127.0.0.1:1`;
    const refusal = 'the URL of the API server has a user or a password; name them in a kubeconfig';
    const readCredentials = () => Promise.resolve({ headers: {}, tls: {} });
    expect(await complaint(() => connectToCluster({ server, readCredentials }))).toBe(refusal);
    const connect = async () => connectToCluster(await kubeconfigConnectOptions(await configOf({}, server)));
    expect(await complaint(connect)).toBe(refusal);
  });
});
