import { expect, test } from 'vitest';
import { type Answer, answering, createFakeNft, listTable, says } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { add, listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';

const shopLines = [
  'cart   http   ClusterIP   10.96.0.10:80/tcp   Cluster   3           3',
  'cart   http   NodePort    *:30080/tcp         Cluster   3           3',
  'dns    dns    ClusterIP   10.96.0.53:53/udp   Cluster   1           1',
  '',
];

/** `svc2nft list --kernel` with a terminal as stdin: no PATH is read, so none is missing. */
async function listKernel(
  flags: readonly string[],
  ...answers: readonly Answer[]
): Promise<CommandResult & { readonly commands: readonly string[] }> {
  const { run, calls } = createFakeNft(...answers);
  const result = await runCommand(['list', '--kernel', ...flags], { run });
  return { ...result, commands: calls.map(({ command }) => command) };
}

test('in the words of Services', async () => {
  const { stdout, ...rest } = await listKernel([], listedShop());
  expect(stdout.split('\n')).toEqual([
    'NAME   PORT   TYPE        FRONTEND            POLICY    ENDPOINTS   LOCAL   REMARK',
    ...shopLines,
  ]);
  expect(rest).toEqual({ exitCode: 0, stderr: 'namespace: shop\n', commands: [listTable.ip, listTable.ip6] });
});

test('one family, one table', async () => {
  const other = answering('nft -nj list table ip other', { stdout: '{"nftables":[]}' });
  const { commands } = await listKernel(['--family', 'ip', '--table', 'other'], other);
  expect(commands).toEqual(['nft -nj list table ip other']);
});

test('rules of others are warned of', async () => {
  const log = add({ rule: { chain: 'services', expr: [{ log: null }], handle: 901 } });
  const { stdout, stderr, exitCode } = await listKernel([], listedShop(log));
  expect(stdout.split('\n').slice(1)).toEqual(shopLines);
  expect(stderr).toBe('warning: chain services: rule 4 is not understood\nnamespace: shop\n');
  expect(exitCode).toBe(0);
});

test('wide: nodes, states and endpoints left out are not known', async () => {
  const { stdout } = await listKernel(['-o', 'wide', '--service', 'dns'], listedShop());
  expect(stdout.split('\n')[1]?.split(/ {3,}/).slice(5)).toEqual([
    '10.244.1.53:5353',
    '<none>',
    'yes',
    '<none>',
    'all',
  ]);
});

test.each([
  [
    'no table',
    says.noSuchFile,
    1,
    expect.stringMatching(
      /^error: .*no table svc2nft or kube-proxy, and no rules of kube-proxy or svc2nft for iptables\n$/,
    ),
  ],
  [
    'no permission',
    says.notPermitted,
    4,
    expect.stringContaining('Run svc2nft as root, or with CAP_NET_ADMIN in the network namespace.\n'),
  ],
  ['no nft', says.missing, 4, expect.stringMatching(/^error: .*nft/)],
  ['a refusal', says.refused, 3, expect.stringMatching(/^error: /)],
  ['no listing', { stdout: 'table ip svc2nft {}' }, 3, expect.stringMatching(/^error: /)],
])('%s', async (_, answer, exitCode, stderr) => {
  const answers = [answering(listTable.ip, answer), answering(listTable.ip6, answer)];
  expect(await listKernel([], ...answers)).toMatchObject({ exitCode, stdout: '', stderr });
});
