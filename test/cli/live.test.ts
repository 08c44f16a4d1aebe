import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type ApiObject, ApiServer } from '../support/api-server.js';
import { createCertificate } from '../support/certificates.ts';
import { type Answer, answering, createFakeNft } from '../support/fake-nft.ts';
import { type CommandWorld, runCommand } from './run-command.ts';

const { items } = parse(readFileSync('docs/shop.yaml', 'utf8')) as { readonly items: readonly ApiObject[] };
const server = new ApiServer({ objects: items });
const authority = createCertificate({ names: ['authority'] });
/** The same cluster, with TLS. */
const secured = new ApiServer({ objects: items, tls: createCertificate({ issuer: authority }) });

let folder = '';

beforeAll(async () => {
  await server.listen();
  await secured.listen();
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-test-'));
});

afterAll(async () => {
  await server.close();
  await secured.close();
  await rm(folder, { recursive: true });
});

afterEach(() => {
  server.forbid({});
  server.refuse(undefined);
  server.requireToken(undefined);
  secured.requireToken(undefined);
});

const installed: readonly Answer[] = [
  answering('nft --version', { stdout: 'nftables v1.1.3 (x)\n' }),
  answering('uname -r', { stdout: '6.18.0\n' }),
];

/** Runs a command on a machine with an nft and without tables. */
function run(args: readonly string[], world: Partial<CommandWorld> = {}) {
  return runCommand(args, { run: createFakeNft(...installed).run, ...world });
}

const cidr = ['--cluster-cidr', '10.244.0.0/16'];

/** A kubeconfig of a user with a token, for a cluster at this URL. */
async function kubeconfig(
  url: string,
  { name = 'config', token = 'secret', contexts = ['main'] } = {},
): Promise<string> {
  const file = join(folder, name);
  const ca = Buffer.from(authority.cert).toString('base64');
  const config = {
    clusters: [{ name: 'local', cluster: { server: url, 'certificate-authority-data': ca } }],
    users: [{ name: 'me', user: { token } }],
    contexts: contexts.map((context) => ({ name: context, context: { cluster: 'local', user: 'me' } })),
    'current-context': contexts[0],
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

/** A command for each that reads a cluster, with its other flags. */
const commands: readonly (readonly [name: string, ...flags: string[]])[] = [
  ['compile', ...cidr],
  ['list', ...cidr, '-o', 'wide'],
  ['list', ...cidr, '-o', 'json'],
  ['explain', ...cidr, '--from', 'outside', '--to', 'shop/api'],
  ['explain', ...cidr, '--from', 'pod:shop/web-1', '--to', 'shop/db', '--node', 'worker-2'],
  ['verify', ...cidr],
  ['graph', ...cidr],
  ['diff', ...cidr, '-o', 'json'],
];

/** One line for each of the six commands. */
const each: readonly (readonly [name: string, ...flags: string[]])[] = commands.filter(
  ([name], index) => commands.findIndex(([other]) => other === name) === index,
);

describe('a cluster in place of files', () => {
  test.each(commands)('gives the same answer: %s %s %s %s %s %s', async (name, ...flags) => {
    const own = flags.includes('--node') ? [] : ['--node', 'worker-1'];
    const fromFile = await run([name, 'docs/shop.yaml', ...flags, ...own]);
    const live = await run([name, '--server', server.url, ...flags, ...own]);
    expect(live).toEqual(fromFile);
    expect(live.stdout).not.toBe('');
  });

  test('gives the same answer about a change of it', async () => {
    const fromFile = await run(['whatif', 'docs/shop.yaml', '--drain', 'worker-1']);
    expect(await run(['whatif', '--server', server.url, '--drain', 'worker-1'])).toEqual(fromFile);
    expect(fromFile.stdout).toContain('refused everywhere');
    const both = await run(['whatif', '--server', server.url, '--with', 'docs/shop.yaml']);
    expect(both.stdout).toContain('Nothing changes for any client.');
  });

  test.each(each)('is seen by the Node of this machine, if it has one: %s', async (name, ...flags) => {
    const own = await run([name, '--server', server.url, ...flags], { hostName: 'Worker-2.example.org' });
    const named = await run([name, '--server', server.url, ...flags, '--node', 'worker-2']);
    expect(own).toEqual(named);
    const other = await run([name, '--server', server.url, ...flags, '--node', 'worker-1']);
    // No node of the shop has a chain of its own.
    expect(name === 'verify' || other.stdout !== own.stdout).toBe(true);
  });

  test('has several Nodes, of which a machine elsewhere has to name one', async () => {
    const { exitCode, stderr } = await run(['list', '--server', server.url, ...cidr], { hostName: 'laptop' });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: expect.stringContaining('the input has 2 Nodes (worker-1, worker-2) and none is named'),
    });
  });

  test('does not have the Node that is named', async () => {
    const { exitCode, stdout, stderr } = await run(['list', '--server', server.url, ...cidr, '--node', 'worker-3']);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'error node-not-found: there is no Node "worker-3"; the input has 2 Nodes (worker-1, worker-2)\n1 error: nothing is listed\n',
    });
  });

  test('names the server where a file has its name', async () => {
    const odd = {
      kind: 'Service',
      metadata: { name: 'odd', namespace: 'shop' },
      spec: { clusterIP: '10.96.0.99', ports: [{ port: 70_000 }] },
    };
    server.apply(odd);
    const { exitCode, stderr } = await run(['list', '--server', server.url, ...cidr, '--node', 'worker-1']);
    server.remove('Service', 'shop', 'odd');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `${server.url}: error invalid-port: Service shop/odd: spec.ports[0].port is 70000; a port is a number from 1 to 65535\n1 error: nothing is listed\n`,
    });
  });

  test('draws commands that read the same cluster', async () => {
    const file = await kubeconfig(server.url);
    const { stdout } = await run(['graph', '--kubeconfig', file, '--context', 'main', ...cidr, '-o', 'html']);
    expect(stdout).toContain(`svc2nft explain --kubeconfig ${file} --context main --node worker-2 --cluster-cidr`);
    expect(stdout).toContain(server.url);
  });

  test('is compared with an older snapshot, for the same node', async () => {
    const file = join(folder, 'yesterday.json');
    const older = items.filter(({ metadata }) => !metadata.name.startsWith('session'));
    await writeFile(file, JSON.stringify({ kind: 'List', apiVersion: 'v1', items: older }));
    const { exitCode, stdout, stderr } = await run(['diff', '--from', file, '--server', server.url, ...cidr]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    expect(stdout).toContain('shop/session  new: 10.96.0.60:6379/tcp, 2 endpoints');
    expect(stdout.split('\n').filter((line) => line.startsWith('  '))).toHaveLength(1);
  });
});

describe('which cluster is read', () => {
  const list = ['list', ...cidr, '-o', 'name', '--node', 'worker-1'];
  const found = { exitCode: 0, stderr: '', stdout: expect.stringContaining('service:shop/web:http') };

  test('is what a kubeconfig says, with its user', async () => {
    secured.requireToken('secret');
    const file = await kubeconfig(secured.url);
    expect(await run([...list, '--kubeconfig', file])).toEqual(found);
    expect(await run([...list, '--live'], { env: { KUBECONFIG: file } })).toEqual(found);
  });

  test('is what ~/.kube/config says', async () => {
    const home = join(folder, 'home');
    await mkdir(join(home, '.kube'), { recursive: true });
    await kubeconfig(secured.url, { name: 'home/.kube/config' });
    expect(await run([...list, '--live'], { env: { HOME: home } })).toEqual(found);
  });

  test('is that of a context', async () => {
    const files = [
      await kubeconfig('http://127.0.0.1:1', { name: 'away', contexts: ['away'] }),
      await kubeconfig(secured.url, { name: 'here', contexts: ['here', 'spare'] }),
    ];
    const env = { KUBECONFIG: files.join(':') };
    // Of equal names, those of the first file count.
    expect(await run([...list, '--context', 'spare'], { env })).toMatchObject({ exitCode: 1 });
    expect(await run([...list, '--context', 'spare'], { env: { KUBECONFIG: files.reverse().join(':') } })).toEqual(
      found,
    );
    expect(await run([...list, '--context', 'nowhere'], { env })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `error: ${[...files].reverse().join(':')}: there is no context "nowhere" (it has away, here, spare)\n`,
    });
  });

  test('is at another address when a server is named, with the same user', async () => {
    secured.requireToken('secret');
    const file = await kubeconfig('https://127.0.0.1:1');
    expect(await run([...list, '--kubeconfig', file, '--server', secured.url])).toEqual(found);
    expect(await run([...list, '--live', '--server', secured.url], { env: { KUBECONFIG: file } })).toEqual(found);
  });

  test('is asked without credentials where others could see them', async () => {
    const file = await kubeconfig(server.url);
    expect(await run([...list, '--kubeconfig', file])).toEqual(found);
    server.requireToken('secret');
    expect(await run([...list, '--kubeconfig', file])).toMatchObject({ exitCode: 4 });
  });

  test('is a server alone, with a token or without', async () => {
    expect(await run([...list, '--server', server.url])).toEqual(found);
    expect(await run([...list, '--live', '--server', server.url], { env: { HOME: folder } })).toEqual(found);
    server.requireToken('another');
    const file = join(folder, 'token');
    await writeFile(file, 'another\n');
    expect(await run([...list, '--server', server.url, '--token-file', file])).toEqual(found);
  });

  test('is that of the Pod', async () => {
    const { port } = new URL(server.url);
    const env = { HOME: folder, KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port };
    expect(await run([...list, '--live'], { env })).toMatchObject({
      exitCode: 1,
      // Its certificate and token are not here.
      stderr: expect.stringContaining(`error: cannot read from https://127.0.0.1:${port}: `),
    });
  });

  test.each<[string, readonly string[], Record<string, string>, string]>([
    [
      'nothing',
      ['--live'],
      { HOME: '/nowhere' },
      'no kubeconfig: KUBECONFIG is not set, and there is no /nowhere/.kube/config; nor is this a Pod',
    ],
    [
      'a file that is not there',
      ['--live'],
      { KUBECONFIG: '/nowhere' },
      'no kubeconfig: KUBECONFIG is /nowhere, where there is no file; nor is this a Pod',
    ],
    [
      'a context of nothing',
      ['--context', 'a'],
      { HOME: '/nowhere', KUBERNETES_SERVICE_HOST: '10.96.0.1' },
      'no kubeconfig: KUBECONFIG is not set, and there is no /nowhere/.kube/config',
    ],
    ['a missing kubeconfig', ['--kubeconfig', '/nowhere/config'], {}, '/nowhere/config: no such file'],
    [
      'a token outside of a Pod',
      ['--token-file', '/nowhere/token'],
      {},
      'KUBERNETES_SERVICE_HOST is not set, so this is not a Pod',
    ],
    [
      'a password in a URL',
      ['--server', 'https://me:c2VjcmV0@10.0.0.1'],
      {},
      'the URL of the API server has a user or a password; name them in a kubeconfig',
    ],
  ])('is not known: %s', async (_, flags, env, message) => {
    expect(await run([...list, ...flags], { env })).toEqual({ exitCode: 1, stdout: '', stderr: `error: ${message}\n` });
  });
});

describe('wrong usage', () => {
  test.each(each)('of files and a cluster at once: %s', async (name, ...flags) => {
    const { exitCode, stderr } = await run([name, 'docs/shop.yaml', '--server', server.url, ...flags]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'error: a snapshot is read from files or from a cluster: omit PATH, or --live and the like\n',
    });
  });

  test.each(each)('of --watch: %s', async (name, ...flags) => {
    const { exitCode, stderr } = await run([name, '--live', '-w', ...flags]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'error: -w watches files; to look at a cluster again and again, use watch(1)\n',
    });
  });

  test.each(['--kernel', '--ruleset=rules.nft'])('of list %s with a cluster', async (flag) => {
    const { exitCode, stderr } = await run(['list', flag, '--live']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: `error: ${flag.replace(/=.*/, '')} lists what the rules serve and takes no cluster; use "svc2nft diff --live" to compare one with the kernel (see --help)\n`,
    });
  });

  test.each([
    ['--live', '--token-file'],
    ['--kubeconfig=config', '--certificate-authority'],
    ['--context=main', '--token-file'],
  ])('of %s with %s, which a kubeconfig has itself', async (flag, other) => {
    const { exitCode, stderr } = await run(['list', flag, other, 'file']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining('cannot be used with option'),
    });
  });

  test('of what is not a URL', async () => {
    const { exitCode, stderr } = await run(['verify', '--server', '10.0.0.1']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'error: --server "10.0.0.1": expected a URL such as https://10.0.0.1:6443\n(see --help)\n',
    });
  });
});

/** What a real server says. */
function forbidden(plural: string, group = ''): string {
  const resource = group === '' ? plural : `${plural}.${group}`;
  return `may not list ${plural}: ${resource} is forbidden: User "viewer" cannot list resource "${plural}" in API group "${group}" at the cluster scope`;
}

describe('a user who may not list', () => {
  test.each(each)('Services or slices gets no answer, and is told which: %s', async (name, ...flags) => {
    server.forbid({ services: '', endpointslices: '' });
    expect(await run([name, '--server', server.url, '--node', 'worker-1', ...flags])).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: `error: ${forbidden('services')}\nerror: ${forbidden('endpointslices', 'discovery.k8s.io')}\n`,
    });
  });

  test.each(each)('Nodes gets an answer for addresses that are given: %s', async (name, ...flags) => {
    server.forbid({ nodes: '' });
    const args = [name, '--server', server.url, '--node', 'worker-1', ...flags];
    expect(await run(args)).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: `error: ${forbidden('nodes')}; without it, name the addresses of the node with --node-ip\n`,
    });
    const given = await run([...args, '--node-ip', '192.0.2.11', '--zone', 'zone-a']);
    expect(given.stderr).toContain(
      `warning: ${forbidden('nodes')}; of the node, only what --node-ip and --zone say is known\n`,
    );
    expect(given.exitCode).toBeLessThan(2);
    expect(given.stdout).not.toBe('');
  });

  test('Nodes but the own one gets an answer, and where others have a part in it a warning', async () => {
    server.forbid({ nodes: 'worker-1' });
    const args = ['--server', server.url, ...cidr];
    expect(await run(['list', ...args])).toMatchObject({ exitCode: 0, stderr: 'namespace: shop\n' });
    const { exitCode, stderr } = await run(['list', ...args, '-o', 'json']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `warning: ${forbidden('nodes')}; of the Nodes, only worker-1 is known\n`,
    });
    expect(await run(['list', ...args, '--node', 'worker-2'])).toMatchObject({ exitCode: 4, stdout: '' });
  });

  test.each(each)('ServiceCIDRs is told what is not known: %s', async (name, ...flags) => {
    server.forbid({ servicecidrs: '' });
    const { exitCode, stdout, stderr } = await run([name, '--server', server.url, '--node', 'worker-1', ...flags]);
    expect(stderr).toContain(
      `warning: ${forbidden('servicecidrs', 'networking.k8s.io')}; what happens at unused cluster IPs is not known\n`,
    );
    expect(exitCode).toBe(name === 'diff' ? 1 : 0);
    expect(stdout).not.toBe('');
  });

  test('Pods is told so by what shows them, and nothing else asks for them', async () => {
    server.forbid({ pods: '' });
    const warning = `warning: ${forbidden('pods')}; only those that EndpointSlices name are known\n`;
    for (const [name, ...flags] of each) {
      const { exitCode, stderr } = await run([name, '--server', server.url, '--node', 'worker-1', ...flags]);
      expect(stderr.includes(warning), name).toBe(name === 'explain' || name === 'graph');
      expect(exitCode).toBe(name === 'diff' ? 1 : 0);
    }
  });

  test('and says it for programs, too', async () => {
    server.forbid({ services: '' });
    const { stderr } = await run(['list', '--server', server.url, '--diagnostics', 'json', ...cidr]);
    expect(JSON.parse(stderr)).toMatchObject({ severity: 'error', message: forbidden('services') });
  });
});

/** With the exit code of bad input, which is 2 where 1 means a difference or a fault. */
const bad = (name: string): number => (name === 'diff' || name === 'verify' ? 2 : 1);

describe('a server', () => {
  test.each(each)('that is down is named: %s', async (name, ...flags) => {
    expect(await run([name, '--server', 'http://127.0.0.1:1', ...flags])).toEqual({
      exitCode: bad(name),
      stdout: '',
      stderr: 'error: cannot read from http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n',
    });
  });

  test.each(each)('that does not know the user says so: %s', async (name, ...flags) => {
    secured.requireToken('another');
    const file = await kubeconfig(secured.url);
    expect(await run([name, '--kubeconfig', file, ...flags])).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: `error: ${secured.url} does not accept the credentials: Unauthorized; check the user of the kubeconfig\n`,
    });
  });

  test.each(each)('that fails at one of several lists gives no half of an answer: %s', async (name, ...flags) => {
    server.refuse({ status: 500, retryAfter: 0, only: '/endpointslices' });
    expect(await run([name, '--server', server.url, ...flags])).toEqual({
      exitCode: bad(name),
      stdout: '',
      stderr: `error: cannot list endpointslices of ${server.url}: no answer for now\n`,
    });
  });

  test('with a certificate that is not trusted is not believed', async () => {
    const list = ['list', '--server', secured.url, ...cidr, '-o', 'name'];
    expect(await run(list)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `error: cannot read from ${secured.url}: its certificate was issued by an authority that is not trusted; name its issuer with --certificate-authority, or certificate-authority in the kubeconfig\n`,
    });
    const file = join(folder, 'ca.crt');
    await writeFile(file, authority.cert);
    expect(await run([...list, '--certificate-authority', file])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await run([...list, '--certificate-authority', join(folder, 'nowhere')])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('ENOENT'),
    });
  });

  test.each([
    ['a page', 200, '<html>', 'the answer is not JSON'],
    ['JSON of another kind', 200, '{"kind":"APIVersions"}', 'the answer is not a '],
    ['nothing of the kind', 404, '<html>', 'the server answers with status 404'],
  ])('of another kind, which answers with %s, is named', async (_, status, body, words) => {
    const other = createServer((_request, response) => {
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { exitCode, stdout, stderr } = await run(['list', '--server', url, ...cidr]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^error: cannot list \\w+ of ${url}: ${words}`));
    expect(stderr.trim().split('\n')).toHaveLength(1);
    await new Promise((resolve) => {
      other.closeAllConnections();
      other.close(resolve);
    });
  });
});

describe('a cluster of another size', () => {
  async function withServer<T>(
    objects: readonly ApiObject[],
    work: (url: string, server: ApiServer) => Promise<T>,
  ): Promise<T> {
    const other = new ApiServer({ objects });
    await other.listen();
    try {
      return await work(other.url, other);
    } finally {
      await other.close();
    }
  }

  const node = items.filter(({ kind, metadata }) => kind === 'Node' && metadata.name === 'worker-1');

  test('without Services is one', async () => {
    await withServer(node, async (url) => {
      expect(await run(['list', '--server', url, ...cidr])).toEqual({
        exitCode: 0,
        stdout: '',
        stderr: 'nothing to list: no Services\n',
      });
      const { exitCode, stdout } = await run(['verify', '--server', url, ...cidr]);
      expect({ exitCode, stdout }).toEqual({
        exitCode: 0,
        stdout: expect.stringContaining('table ip svc2nft: 0 frontends, 0 endpoints'),
      });
    });
  });

  test('without anything has no Node', async () => {
    await withServer([], async (url) => {
      expect(await run(['verify', '--server', url, ...cidr, '--node', 'worker-1'])).toEqual({
        exitCode: 2,
        stdout: '',
        stderr: 'error: the cluster has no Node "worker-1", nor any other\n',
      });
    });
  });

  test('without slices is told what that means, but not how to get what is not there', async () => {
    const services = items.filter(({ kind }) => kind === 'Service');
    await withServer([...node, ...services], async (url) => {
      const { exitCode, stderr } = await run(['list', '--server', url, ...cidr]);
      expect(exitCode).toBe(0);
      expect(stderr).toContain(
        'warning no-endpoint-slices: the input has 6 Services but no EndpointSlice, so no Service has endpoints\n',
      );
      expect(stderr).not.toContain('kubectl get');
    });
  });

  test('of thousands of Services is read to its end, page by page', async () => {
    const count = 3_000;
    const objects = Array.from({ length: count }, (_, index) => bigService(index)).flat();
    await withServer([...node, ...objects], async (url, other) => {
      const { exitCode, stdout, stderr } = await run(['list', '--server', url, ...cidr, '-o', 'name']);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout.trim().split('\n')).toHaveLength(count);
      expect(other.countRequests('/services?')).toBe(count / 500);
      expect(other.countRequests('/endpointslices?')).toBe(count / 500);
    });
  });
});

/** A Service with an endpoint. */
function bigService(index: number): ApiObject[] {
  const [name, namespace, octets] = [`web-${index}`, `shop-${index % 10}`, `${index >> 8}.${index & 255}`];
  return [
    {
      kind: 'Service',
      metadata: { name, namespace },
      spec: { clusterIP: `10.96.${octets}`, ports: [{ port: 80 }] },
    },
    {
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8_080 }],
      endpoints: [{ addresses: [`10.244.${octets}`], nodeName: 'worker-1' }],
    },
  ];
}
