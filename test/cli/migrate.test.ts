import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../src/inspect/migrate/migration.ts';
import { filesOf } from '../support/kube-proxy-table.ts';
import { type CommandResult, runMain } from '../support/run-main.ts';

const { snapshot, config, rules } = filesOf('every-kind-of-frontend');
const note = 'note: these are the rules of kube-proxy, in table kube-proxy\n';

const migrate = (...args: string[]): Promise<CommandResult> =>
  runMain(['migrate', snapshot, '--node', 'worker-1', '--config', config, ...args]);

let folder: string;
let broken: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-migrate-'));
  broken = join(folder, 'broken.nft');
  await writeFile(broken, 'table ip kube-proxy {');
});

afterAll(() => rm(folder, { recursive: true }));

describe('svc2nft migrate', () => {
  test('says what changes, for whom', async () => {
    const { exitCode, stderr, stdout } = await migrate('--from', rules, '--to', 'svc2nft', '--family', 'ip');
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: note });
    expect(stdout.replace(rules, 'rules.nft')).toMatchInlineSnapshot(`
      "kube-proxy-nftables in rules.nft -> svc2nft on worker-1: 165 connections to 7 Services compared: some change for 7 Services

      Connections that fail now and will fail in another way
        refused connections: rejected with an ICMP error -> rejected with a TCP reset: 7 Services
            for all clients
            shop/cart, shop/ending, shop/far, shop/kept, shop/kept-here and 2 more
            e.g. 10.96.0.13:80/tcp, 198.19.0.13:80/tcp

      Also check, because it depends on more than Services
        a client keeps its endpoint for each address and port of a Service by itself, no longer over all of them: 2 Services
            shop/kept, shop/kept-here
        clients with affinity may get another endpoint at the switch, once: 2 Services
            shop/kept, shop/kept-here
      "
    `);
  });

  test('ends with 0 where nobody notices', async () => {
    const { exitCode, stdout } = await migrate('--from', rules, '--to', 'kube-proxy-nftables');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('nobody notices');
  });

  test('prints everything as JSON', async () => {
    const { stdout } = await migrate('--from', 'kube-proxy-nftables', '--to', 'svc2nft', '-o', 'json');
    const { from, to, node, changes, notes } = JSON.parse(stdout) as Migration;
    expect({ from, to, node }).toEqual({
      from: { proxy: 'kube-proxy-nftables', source: 'prediction' },
      to: { proxy: 'svc2nft', source: 'prediction' },
      node: 'worker-1',
    });
    expect(changes.map(({ cause, effect }) => ({ cause, effect }))).toContainEqual({
      cause: 'refusal-answer',
      effect: 'refusal',
    });
    expect(notes.map(({ code }) => code)).toEqual(['affinity-scope', 'affinity-restarts']);
  });

  test('writes a page without scripts, and not to a terminal', async () => {
    const { stdout } = await migrate('-o', 'html');
    expect(stdout).toMatch(/^<!doctype html>/);
    expect(stdout).toContain("default-src 'none'; style-src 'sha256-");
    expect(stdout).not.toContain('<script');
    expect(stdout).toContain('shop/none');
  });

  test.each([
    [['--from', 'nowhere.nft'], 2, /nowhere\.nft: error/],
    [['--from', '-', '--to', '-'], 2, /stdin can be read only once/],
    [['--from', ''], 2, /--from and --to need a proxy, a file or kernel/],
  ])('refuses %j', async (args, code, message) => {
    const { exitCode, stderr, stdout } = await migrate(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('refuses rules that it cannot read', async () => {
    const { exitCode, stderr } = await migrate('--from', broken);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('broken.nft:1:21: error');
  });
});
