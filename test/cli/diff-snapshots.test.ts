import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { listedShop } from './listed-shop.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const three = shop();
const four = shop({ cart: ['10.244.1.11', '10.244.1.12', '10.244.1.13', '10.244.1.14'] });

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  for (const [name, text] of [
    ['old', three],
    ['new', four],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, `${name}.json`), text);
    writeFileSync(join(folder, name, 'all.json'), text);
    const { items } = JSON.parse(text) as { items: { kind: string }[] };
    for (const kind of ['Service', 'EndpointSlice', 'Node']) {
      const file = join(folder, `${name}-${kind}.json`);
      writeFileSync(file, JSON.stringify({ kind: 'List', items: items.filter((item) => item.kind === kind) }));
    }
  }
  writeFileSync(join(folder, 'none.json'), '{"apiVersion":"v1","kind":"List","items":[]}');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** `svc2nft diff` for IPv4 on files of the folder, FOLDER/a, with an nft that has the shop. */
async function diff(args: readonly string[], input?: string): Promise<CommandResult & { readonly asksNft: boolean }> {
  const nft = createFakeNft(listedShop());
  const given = ['diff', ...args, '--cluster-cidr', '10.244.0.0/16', '--family', 'ip'];
  const { stderr, ...result } = await runCommand(
    given.map((arg) => arg.replace('FOLDER', folder)),
    { run: nft.run, ...(input !== undefined && { input }) },
  );
  expect(nft.texts()).toEqual([]);
  return { ...result, stderr: stderr.replaceAll(folder, 'FOLDER'), asksNft: nft.calls.length > 0 };
}

const more = '  shop/cart:http  3 -> 4 endpoints (+10.244.1.14:8080), share 33% -> 25%\n';
const fewer = '  shop/cart:http  4 -> 3 endpoints (-10.244.1.14:8080), share 25% -> 33%\n';

describe('diff OLD NEW compares two snapshots, without nft', () => {
  test.each([
    [['FOLDER/old.json', 'FOLDER/new.json'], more],
    [['FOLDER/new.json', 'FOLDER/old.json'], fewer],
    [['FOLDER/old', 'FOLDER/new'], more],
    [['FOLDER/old', 'FOLDER/new.json'], more],
    [['FOLDER/new.json', '--from', 'FOLDER/old.json'], more],
  ])('%j', async (args, change) => {
    const { stdout, ...rest } = await diff(args);
    expect(stdout).toMatch(/^table ip svc2nft: changed \(/);
    expect(stdout).toContain(change);
    expect(rest).toEqual({ exitCode: 1, stderr: '', asksNft: false });
  });

  test.each([
    [['-', 'FOLDER/new.json'], three, more],
    [['FOLDER/old.json', '-'], four, more],
  ])('%j reads one of them from stdin', async (args, input, change) => {
    const { stdout, exitCode } = await diff(args, input);
    expect(stdout).toContain(change);
    expect(exitCode).toBe(1);
  });

  test('the same one twice', async () => {
    const same = { exitCode: 0, stdout: '', stderr: '', asksNft: false };
    expect(await diff(['FOLDER/old.json', 'FOLDER/old.json'])).toEqual(same);
    expect(await diff(['FOLDER/old.json', 'FOLDER/old', '-o', 'nft'])).toEqual(same);
  });

  test('from nothing', async () => {
    for (const old of ['FOLDER/none.json', 'FOLDER/old-Node.json']) {
      const { stdout, exitCode } = await diff([old, 'FOLDER/new.json']);
      expect(stdout).toContain('shop/cart:http  new: 10.96.0.10:80/tcp, *:30080/tcp, 4 endpoints\n');
      expect(exitCode).toBe(1);
    }
  });
});

describe('one snapshot is compared with the kernel', () => {
  const files = ['FOLDER/new-Service.json', 'FOLDER/new-EndpointSlice.json', 'FOLDER/new-Node.json'];

  test.each([
    [['FOLDER/new.json']],
    [['-f', 'FOLDER/new.json']],
    [files],
    [files.flatMap((file) => ['-f', file])],
    [[...files.slice(0, 1), ...files.slice(1).flatMap((file) => ['-f', file])]],
  ])('%j', async (args) => {
    const { stdout, ...rest } = await diff(args);
    expect(stdout).toContain(more);
    expect(rest).toEqual({ exitCode: 1, stderr: '', asksNft: true });
  });

  test('of several files, with another one', async () => {
    const { stdout, asksNft } = await diff([...files, '--from', 'FOLDER/old.json']);
    expect(stdout).toContain(more);
    expect(asksNft).toBe(false);
  });
});

describe('what cannot be compared', () => {
  test.each([
    [['FOLDER/new-Service.json', 'FOLDER/new-EndpointSlice.json']],
    [['FOLDER/new-EndpointSlice.json', 'FOLDER/new-Service.json']],
    [['FOLDER/new-Service.json', 'FOLDER/new-Node.json']],
  ])('%j are parts of one snapshot', async (args) => {
    const { stderr, stdout, exitCode } = await diff(args);
    expect(stderr).toContain(
      `error: ${args[0]} and the other snapshot have no kind of object in common, and two PATHs are compared; to read them as one snapshot, use -f for each\n`,
    );
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });

  test.each([
    [['FOLDER/no-such', 'FOLDER/new.json'], 'FOLDER/no-such: error file-not-found: '],
    [['FOLDER/old.json', 'FOLDER/no-such'], 'FOLDER/no-such: error file-not-found: '],
    [['-', '-'], 'error: stdin can be read only once: '],
  ])('%j', async (args, message) => {
    const { stderr, stdout, exitCode } = await diff(args, three);
    expect(stderr).toContain(message);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });
});
