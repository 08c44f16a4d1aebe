import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiObject, ApiServer } from '../support/api-server.js';
import { createFakeNft } from '../support/fake-nft.ts';
import { currentManual } from './manual/current-manual.ts';
import { type CommandWorld, runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const { items } = JSON.parse(shop()) as { readonly items: readonly ApiObject[] };
const server = new ApiServer({ objects: items });

beforeAll(() => server.listen());
afterAll(() => server.close());

/** As kubectl starts a plugin. */
function plugin(args: readonly string[], world: Partial<CommandWorld> = {}) {
  return runCommand(args, {
    run: createFakeNft().run,
    program: 'kubectl-svc2nft',
    env: { HOME: '/nowhere' },
    ...world,
  });
}

const cidr = ['--cluster-cidr', '10.244.0.0/16'];
const noCluster =
  'error: no kubeconfig: KUBECONFIG is not set, and there is no /nowhere/.kube/config; nor is this a Pod\n';

describe('kubectl svc2nft', () => {
  test.each([['compile'], ['list'], ['explain', '--from', 'node', '--to', 'shop/cart'], ['verify'], ['graph'], []])(
    'reads the cluster of kubectl where no file is named: %s %s %s %s %s',
    async (...args) => {
      expect(await plugin(args)).toMatchObject({
        exitCode: args[0] === 'verify' ? 2 : 1,
        stdout: '',
        stderr: noCluster,
      });
      // Not what is piped in, unless asked.
      expect(await plugin(args, { input: shop() })).toMatchObject({ stderr: noCluster });
    },
  );

  test('reads the cluster that flags name, and files that are named', async () => {
    const live = await plugin(['list', '--server', server.url, ...cidr]);
    expect(live).toEqual({
      exitCode: 0,
      stderr: 'namespace: shop\n',
      stdout: expect.stringContaining('10.96.0.10:80/tcp'),
    });
    expect(await plugin(['list', '-', ...cidr], { input: shop() })).toEqual(live);
    expect(await plugin(['list', '-f', '-', ...cidr], { input: shop() })).toEqual(live);
  });

  test('reads rules where these are asked for', async () => {
    const { exitCode, stderr } = await plugin(['list', '--kernel']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr:
        'error: the kernel has no table svc2nft or kube-proxy, and no rules of kube-proxy or svc2nft for iptables\n',
    });
  });

  test.each([undefined, ...currentManual.commands.map(({ name }) => name)])(
    'is called so in its help: %s',
    async (name) => {
      const own = await plugin([...(name === undefined ? [] : [name]), '--help']);
      const text = own.stdout.replace(/[ \\]*\n(?!\n) */g, ' ');
      expect(text).toContain(`Usage: kubectl svc2nft ${name ?? '[command]'} `);
      const commands = currentManual.commands.map((command) => command.name).join('|');
      expect(text.match(new RegExp(`(?<!kubectl )\\bsvc2nft (${commands}|PATH|-|\\[)`, 'g'))).toBeNull();
      const { stdout } = await plugin([...(name === undefined ? [] : [name]), '--help'], { program: 'svc2nft' });
      expect(stdout.includes('kubectl svc2nft')).toBe(name === 'completion');
    },
  );

  test('says what it reads without PATH', async () => {
    const { stdout } = await plugin(['verify', '--help']);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'or - for stdin (default: the cluster that kubectl uses, as with --live)',
    );
    const { stdout: apply } = await plugin(['apply', '--help']);
    expect(apply.replace(/\s+/g, ' ')).toContain('or - for stdin (the default)');
  });

  test('is called so in messages', async () => {
    expect(await plugin(['lst'])).toMatchObject({
      exitCode: 2,
      stderr: 'error: unknown command "lst"; did you mean kubectl svc2nft list?\n(see --help)\n',
    });
    const { stderr } = await plugin(['list', '--kernel', '--live', '--diagnostics', 'json']);
    expect(JSON.parse(stderr)).toMatchObject({ message: expect.stringContaining('use "kubectl svc2nft diff --live"') });
  });

  test.each([
    ['kubectl-svc2nft', true],
    ['kubectl-svc2nft.js', true],
    ['svc2nft', false],
    ['svc2nft.js', false],
    ['kubectl-svc2nft-test', false],
  ])('is meant by the name %s: %s', async (program, isMeant) => {
    const { stdout } = await plugin(['list', '--help'], { program });
    expect(stdout.includes('Usage: kubectl svc2nft list')).toBe(isMeant);
  });
});
