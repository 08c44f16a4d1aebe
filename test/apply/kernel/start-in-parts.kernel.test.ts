import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { applyTables } from '../../../src/apply/apply-tables.ts';
import type { Outcome } from '../../../src/apply/outcome.ts';
import { createEngine } from '../../../src/engine/create-engine.ts';
import { probeNft } from '../../../src/kernel/probe-nft.ts';
import type { RunProgram } from '../../../src/kernel/run-program.ts';
import type { Family } from '../../../src/net/network.ts';
import { comparableRuleset } from '../../support/comparable-ruleset.ts';
import { applyTestsRun } from './apply-tests.ts';
import { http, type Manifest, service, slice, workerNode } from './manifests.ts';
import { type Connection, openLab } from './open-lab.ts';
import { openNode, type TestNode } from './open-node.ts';
import { richSnapshot } from './rich-snapshot.ts';
import { type RunningApply, startApply } from './start-apply.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
/** More for a long look: KILLS=50 npx vitest run test/apply/kernel/start-in-parts.kernel.test.ts */
const kills = Number(process.env['KILLS'] ?? 2);

const families = ['ip', 'ip6'] as const;

const unfinished =
  'the table has no base chains, so no packet passes it; an apply that was interrupted leaves it like this';

/** Another Service, and one that is gone. */
const otherSnapshot: readonly Manifest[] = [
  ...richSnapshot.filter(({ metadata }) => !JSON.stringify(metadata).includes('edge')),
  service('late', { clusterIP: '10.96.0.77', sessionAffinity: 'ClientIP', ports: [http] }),
  slice('late', ['10.244.1.77', '10.244.2.78', '10.244.2.79', '10.244.2.80']),
];

/** Where a start ends: before its load of this number, counted from 1. */
class Stopped extends Error {}

interface Start {
  readonly partSize: number;
  readonly stopBefore?: number;
  readonly afterLoad?: (family: Family, text: string) => Promise<void>;
}

/** Brings the tables to a snapshot as `svc2nft apply` does, in parts of another size. */
async function startInParts(
  node: TestNode,
  objects: readonly Manifest[],
  { partSize, stopBefore = Number.POSITIVE_INFINITY, afterLoad }: Start,
): Promise<Outcome> {
  const probe = await probeNft(node.run);
  const engine = createEngine({
    nodeName: 'worker-1',
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
    ...('targetNft' in probe && { targetNft: probe.targetNft }),
  });
  engine.accept({ apply: objects, complete: true });
  engine.commit();
  let loads = 0;
  const run: RunProgram = async (program, args, input = '', options) => {
    const isLoad = program === 'nft' && args.join(' ') === '-f -';
    loads += isLoad ? 1 : 0;
    if (loads === stopBefore) {
      throw new Stopped();
    }
    const result = await node.run(program, args, input, options);
    if (isLoad) {
      await afterLoad?.(/^\S+ \S+ (ip6?) svc2nft/.exec(input)?.[1] as Family, input);
    }
    return result;
  };
  return applyTables(engine, { run, partSize });
}

/** The base chains of our table, as nft finds them. */
async function hooksOf(node: TestNode, family: Family): Promise<string[]> {
  const { nftables } = JSON.parse(await node.print('-j', 'list', 'chains')) as {
    nftables: { chain?: { family: string; table: string; name: string; hook?: string } }[];
  };
  return nftables.flatMap(({ chain }) =>
    chain?.family === family && chain.table === 'svc2nft' && chain.hook !== undefined ? [chain.name] : [],
  );
}

async function tableOf(node: TestNode, family: Family): Promise<string> {
  const listing = await node.listing(family);
  return JSON.stringify(listing && comparableRuleset(listing.ruleset));
}

function tablesOf(node: TestNode): Promise<string[]> {
  return Promise.all(families.map((family) => tableOf(node, family)));
}

/** The tables as one transaction makes them. */
async function tablesWith(node: TestNode, objects: readonly Manifest[]): Promise<string[]> {
  await node.nft('flush ruleset');
  expect((await startInParts(node, objects, { partSize: Number.POSITIVE_INFINITY })).ok).toBe(true);
  const tables = await tablesOf(node);
  await node.nft('flush ruleset');
  return tables;
}

/** Refuses to load or check whatever has a word in it. */
function refusingAt(word: string, run: RunProgram, stderr: string): RunProgram {
  return async (program, args, input, options) => {
    const isRefused = input?.includes(word);
    const result = await run(program, isRefused ? ['--version'] : args, isRefused ? undefined : input, options);
    return isRefused ? { ...result, exitCode: 1, stderr } : result;
  };
}

describe.skipIf(!applyTestsRun)('a first start in parts', () => {
  let node: TestNode;
  let wanted: readonly string[];
  let wantedOther: readonly string[];

  beforeAll(async () => {
    node = await openNode();
    wanted = await tablesWith(node, richSnapshot);
    wantedOther = await tablesWith(node, otherSnapshot);
  });

  afterEach(async () => {
    await node.nft('flush ruleset');
  });

  afterAll(async () => {
    await node.close();
  });

  test.each([9, 37, 60])('of %i commands or elements has no base chain before the last one', async (partSize) => {
    const seen: Record<Family, number[]> = { ip: [], ip6: [] };
    const { ok, families: outcomes } = await startInParts(node, richSnapshot, {
      partSize,
      afterLoad: async (family) => {
        seen[family].push((await hooksOf(node, family)).length);
      },
    });
    expect(ok).toBe(true);
    expect(outcomes.map(({ result }) => result)).toEqual(['created', 'created']);
    for (const family of families) {
      const parts = seen[family];
      expect(parts.length).toBeGreaterThan(2);
      expect(parts.slice(0, -1).every((count) => count === 0)).toBe(true);
      expect(parts.at(-1)).toBeGreaterThan(5);
    }
    expect(await tablesOf(node)).toEqual(wanted);
  });

  test.each([
    { next: 'the same snapshot', objects: richSnapshot, expected: () => wanted, partSize: 30 },
    { next: 'another snapshot', objects: otherSnapshot, expected: () => wantedOther, partSize: 30 },
    { next: 'another snapshot, at once', objects: otherSnapshot, expected: () => wantedOther, partSize: 100_000 },
  ])(
    'stopped between any two parts is finished by the next one with $next',
    { timeout: 120_000 },
    async ({ objects, expected, partSize }) => {
      const loads: Family[] = [];
      await startInParts(node, richSnapshot, { partSize: 30, afterLoad: async (family) => void loads.push(family) });
      expect(loads.length).toBeGreaterThan(10);
      for (const stopBefore of loads.keys()) {
        await node.nft('flush ruleset');
        const stopped = startInParts(node, richSnapshot, { partSize: 30, stopBefore: stopBefore + 1 });
        await expect(stopped).rejects.toThrow(Stopped);
        const remaining = loads.slice(stopBefore);
        for (const family of families) {
          const isDone = !remaining.includes(family);
          expect((await hooksOf(node, family)).length > 0, `${family} before ${stopBefore}`).toBe(isDone);
        }
        const texts: string[] = [];
        const finished = await startInParts(node, objects, {
          partSize,
          afterLoad: async (_, text) => void texts.push(text),
        });
        expect(finished.families.map(({ error }) => error)).toEqual([undefined, undefined]);
        // What is there is kept.
        const isThere = families.map((family) => loads.slice(0, stopBefore).includes(family));
        expect(finished.families.map(({ before }) => before !== undefined)).toEqual(isThere);
        for (const [index, { findings, result }] of finished.families.entries()) {
          const isUnfinished = isThere[index] && remaining.includes(families[index] as Family);
          expect(findings.map(({ message }) => message)).toEqual(isUnfinished ? [unfinished] : []);
          expect(result === 'created').toBe(!isThere[index]);
        }
        expect(texts.filter((text) => text.includes('delete table')).length).toBe(isThere.filter((is) => !is).length);
        expect(await tablesOf(node)).toEqual(expected());
      }
    },
  );

  test('is explained in one line by apply, whatever parts are there', { timeout: 60_000 }, async () => {
    for (const stopBefore of [2, 4, 6]) {
      await node.nft('flush ruleset');
      await expect(startInParts(node, richSnapshot, { partSize: 30, stopBefore })).rejects.toThrow(Stopped);
      const { stdout } = await node.apply(richSnapshot, ['--dry-run=client']);
      expect(stdout.match(/^ {2}found: .*$/gm)).toEqual([`  found: ${unfinished}`]);
    }
  });

  test('for which memory runs out ends without base chains, says so, and is finished by the next one', async () => {
    const run = refusingAt('10.96.0.30', node.run, 'netlink: Error: Could not process rule: Cannot allocate memory\n');
    const refused = await startInParts({ ...node, run }, richSnapshot, { partSize: 20 });
    expect(refused.families.map(({ result, isUnfinished }) => [result, isUnfinished])).toEqual([
      ['failed', true],
      ['created', undefined],
    ]);
    expect(await hooksOf(node, 'ip')).toEqual([]);
    const finished = await startInParts(node, richSnapshot, { partSize: 20 });
    expect(finished.families.map(({ result }) => result)).toEqual(['changed', 'unchanged']);
    expect(await tablesOf(node)).toEqual(wanted);
  });

  test('of which nft rejects a Service is rebuilt without it, in parts as well', async () => {
    const run = refusingAt(
      '10.96.0.30',
      node.run,
      '/dev/stdin:1:1-9: Error: Could not process rule: Invalid argument\n',
    );
    const counts: number[] = [];
    const { families: outcomes } = await startInParts({ ...node, run }, richSnapshot, {
      partSize: 20,
      afterLoad: async (family, text) => {
        if (family === 'ip') {
          expect(text.split('\n').length).toBeLessThan(60);
          counts.push((await hooksOf(node, family)).length);
        }
      },
    });
    expect(outcomes.map(({ result, rejectedServices }) => [result, rejectedServices])).toEqual([
      ['rebuilt', ['shop/session']],
      ['created', []],
    ]);
    expect(counts.length).toBeGreaterThan(10);
    expect(counts.findIndex((count) => count > 0)).toBe(counts.length - 1);
  });

  test('whose table packets pass already is rebuilt in one transaction', async () => {
    await startInParts(node, richSnapshot, { partSize: 20 });
    await node.nft('add counter ip svc2nft foreign\nadd counter ip6 svc2nft foreign\n');
    const texts: string[] = [];
    const { families: outcomes } = await startInParts(node, otherSnapshot, {
      partSize: 20,
      afterLoad: async (_, text) => void texts.push(text),
    });
    expect(outcomes.map(({ result }) => result)).toEqual(['rebuilt', 'rebuilt']);
    expect(texts).toHaveLength(2);
    expect(await tablesOf(node)).toEqual(wantedOther);
  });
});

const connections: readonly Connection[] = [
  { source: '10.244.1.60', protocol: 'tcp', address: '10.96.0.10', port: 80 },
  { source: '10.244.1.60', protocol: 'udp', address: '10.96.0.30', port: 53 },
  { source: '203.0.113.60', protocol: 'tcp', address: '192.0.2.11', port: 30080 },
  { source: 'fd00:10:244:1::60', protocol: 'tcp', address: 'fd00:10:96::10', port: 80 },
  { source: '2001:db8:9::60', protocol: 'tcp', address: '2001:db8:a::11', port: 30080 },
];

describe.skipIf(!applyTestsRun)('packets during a first start in parts', () => {
  test('pass as before until the last part, then to endpoints', { timeout: 120_000 }, async () => {
    const lab = await openLab();
    const before = await lab.connect(connections);
    const seen: Record<Family, string[][]> = { ip: [], ip6: [] };
    const { ok } = await startInParts(lab.node, richSnapshot, {
      partSize: 60,
      afterLoad: async (family) => {
        seen[family].push(await lab.connect(connections));
      },
    });
    expect(ok).toBe(true);
    const answers = await lab.connect(connections);
    await lab.close();
    const isOf = (family: Family, index: number): boolean =>
      connections[index]?.address.includes(':') === (family === 'ip6');
    for (const family of families) {
      expect(seen[family].length).toBeGreaterThan(2);
      for (const results of seen[family].slice(0, -1)) {
        expect(results.filter((_, index) => isOf(family, index))).toEqual(
          before.filter((_, index) => isOf(family, index)),
        );
      }
    }
    expect(before.filter((at) => at.includes('10.244.') || at.includes('fd00:10:244:'))).toEqual([]);
    expect(answers).toEqual([
      expect.stringMatching(/^10\.244\.[01]\.1[013]:8080$/),
      expect.stringMatching(/^10\.244\.[01]\.3[01]:5353$/),
      expect.stringMatching(/^10\.244\.[01]\.1[013]:8080$/),
      expect.stringMatching(/^\[fd00:10:244:(?:1:)?:1[013]\]:8080$/),
      expect.stringMatching(/^\[fd00:10:244:(?:1:)?:1[013]\]:8080$/),
    ]);
  });
});

/** More than one part of elements in each family: 7 Services with 2 ports and 1,000 endpoints. */
const large: readonly Manifest[] = [
  workerNode,
  ...Array.from({ length: 7 }, (_, number) => number + 1).flatMap((number) => {
    const hosts = Array.from({ length: 1_000 }, (_, index) => index);
    const ports = [http, { name: 'dns', port: 53, protocol: 'UDP' }];
    const slicePorts = [
      { name: 'http', port: 8080 },
      { name: 'dns', port: 5353, protocol: 'UDP' },
    ] as const;
    return [
      service(`large-${number}`, {
        clusterIP: `10.96.1.${number}`,
        clusterIPs: [`10.96.1.${number}`, `fd00:10:96::1:${number}`],
        ipFamilies: ['IPv4', 'IPv6'],
        ports,
      }),
      slice(
        `large-${number}`,
        hosts.map((host) => `10.244.${100 + number * 4 + Math.floor(host / 256)}.${host % 256}`),
        slicePorts,
      ),
      slice(
        `large-${number}`,
        hosts.map((host) => `fd00:10:244:${number}::${host}`),
        slicePorts,
      ),
    ];
  }),
];

/** When to kill, as a part of the time that loading takes; at first at once, so that there is something to kill. */
const moments = [
  0,
  ...fc.sample(
    fc.noBias(fc.integer({ min: 0, max: 999 })).map((part) => part / 1000),
    { numRuns: kills - 1, seed },
  ),
];

describe.skipIf(!applyTestsRun)('a first start of a large cluster', () => {
  let node: TestNode;
  let wanted: readonly string[];
  /** How long loading takes, in milliseconds. */
  let duration: number;

  beforeAll(async () => {
    node = await openNode();
    const apply = await startApply(node, large);
    await apply.loads();
    const start = performance.now();
    expect(await apply.ended).toBe(0);
    duration = performance.now() - start;
    wanted = await tablesOf(node);
  });

  afterAll(async () => {
    await node.close();
  });

  test.each([
    { program: 'svc2nft', kill: async (apply: RunningApply) => apply.kill() },
    { program: 'its nft', kill: killNextNft },
  ])(
    `with $program killed, SEED=${seed}, has all base chains or none, and is finished by the next one`,
    {
      timeout: kills * 60_000,
    },
    async ({ program, kill }) => {
      const outcomes: string[] = [];
      for (const part of moments) {
        await node.nft('flush ruleset');
        const apply = await startApply(node, large);
        await apply.loads();
        await pause(part * duration);
        const isKilled = await kill(apply);
        await apply.allEnded();
        const tables = await tablesOf(node);
        const hooks = await Promise.all(families.map((family) => hooksOf(node, family)));
        outcomes.push(`${isKilled ? '' : 'not '}killed: ${hooks.map(({ length }) => length).join(' ')}`);
        for (const index of families.keys()) {
          expect(hooks[index]?.length === 0 || tables[index] === wanted[index]).toBe(true);
        }
        expect(await node.apply(large)).toMatchObject({ exitCode: 0, stderr: '' });
        expect(await tablesOf(node)).toEqual(wanted);
      }
      console.log(`${program}, numbers of base chains of both families`, outcomes);
      expect(outcomes.some((outcome) => !outcome.startsWith('not'))).toBe(true);
    },
  );

  test('keeps the lock until its last part', { timeout: 120_000 }, async () => {
    const wantedNext = await tablesWith(node, richSnapshot);
    const folder = await mkdtemp(join(node.folder, 'slow-'));
    const log = join(folder, 'log');
    const real = `PATH='${process.env['PATH']}:/usr/sbin:/sbin' nft "$@"`;
    await writeFile(
      join(folder, 'nft'),
      `#!/bin/sh\ncase "$*" in *'-f -'*) echo $PPID >> ${log}; sleep 0.2 ;; esac\n${real}\n`,
      { mode: 0o755 },
    );
    const first = await startApply(node, large, folder);
    await first.loads();
    const second = await startApply(node, richSnapshot, folder);
    expect(await first.ended).toBe(0);
    expect(await second.ended).toBe(0);
    const callers = (await readFile(log, 'utf8')).trim().split('\n');
    const [one, other] = [...new Set(callers)];
    const [ofOne, ofOther] = [one, other].map((pid) => callers.filter((caller) => caller === pid).length);
    // Sets and chains, two parts of elements, and the base chains, in each family; then the difference.
    expect([ofOne, ofOther]).toEqual([8, 2]);
    expect(callers).toEqual([...Array.from({ length: 8 }, () => one), ...Array.from({ length: 2 }, () => other)]);
    expect(await tablesOf(node)).toEqual(wantedNext);
  });
});

/** Between two loads, no nft runs for a moment. */
async function killNextNft(apply: RunningApply): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await apply.killNft()) {
      return true;
    }
    await pause(5);
  }
  return false;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
