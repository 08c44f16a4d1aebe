import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { comparableRuleset } from '../../support/comparable-ruleset.ts';
import { applyTestsRun } from './apply-tests.ts';
import { http, type Manifest, service, slice, workerNode } from './manifests.ts';
import { openNode, type TestNode } from './open-node.ts';
import { type RunningApply, startApply } from './start-apply.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
/** For each program. More for a long look: KILLS=100 npx vitest run test/apply/kernel/kill.kernel.test.ts */
const kills = Number(process.env['KILLS'] ?? 6);

/** When to kill: after a part of the whole time, or of the time from the first load on. */
const moments = fc.sample(
  fc.record({
    part: fc.noBias(fc.integer({ min: 0, max: 999 })).map((part) => part / 1000),
    whileLoading: fc.boolean(),
  }),
  { numRuns: kills, seed },
);

/** When to kill svc2nft while its nft is slow, and for how long nft waits before and after its work, in milliseconds. */
const slowMoments = fc.sample(
  fc.record({
    part: fc.noBias(fc.integer({ min: 0, max: 999 })).map((part) => part / 1000),
    before: fc.noBias(fc.integer({ min: 0, max: 2_000 })),
    after: fc.noBias(fc.integer({ min: 0, max: 200 })),
  }),
  { numRuns: kills, seed },
);

const tenHosts = Array.from({ length: 10 }, (_, index) => index + 1);

/** 100 Services with 10 endpoints in each family; all of their addresses differ between generations. */
function cluster(generation: number): Manifest[] {
  const services = Array.from({ length: 100 }, (_, number) => [
    service(`service-${number}`, {
      clusterIP: `10.96.0.${number}`,
      clusterIPs: [`10.96.0.${number}`, `fd00:10:96::${number}`],
      ipFamilies: ['IPv4', 'IPv6'],
      ports: [http],
    }),
    slice(
      `service-${number}`,
      tenHosts.map((host) => `10.244.${100 + generation}.${host}`),
    ),
    slice(
      `service-${number}`,
      tenHosts.map((host) => `fd00:10:244:${100 + generation}::${host}`),
    ),
  ]);
  return [workerNode, ...services.flat()];
}

/** A folder with an nft that waits before and after it loads something. */
async function slowNft(
  node: TestNode,
  { before, after }: { readonly before: number; readonly after: number },
): Promise<string> {
  const folder = await mkdtemp(join(node.folder, 'slow-'));
  const real = `PATH='${process.env['PATH']}:/usr/sbin:/sbin' nft "$@"`;
  const loading = `sleep ${before / 1000}; ${real}; result=$?; sleep ${after / 1000}; exit $result`;
  await writeFile(join(folder, 'nft'), `#!/bin/sh\ncase "$*" in *'-f -'*) ${loading} ;; esac\n${real}\n`, {
    mode: 0o755,
  });
  return folder;
}

describe.skipIf(!applyTestsRun)(`kill -9 at ${kills} moments of an apply, SEED=${seed}`, () => {
  const snapshots = [cluster(0), cluster(1), cluster(2)] as const;
  /** What the tables of both families hold with each of them. */
  const wanted: (readonly string[])[] = [];
  /** In milliseconds: until it loads, and from then on to the end. */
  let duration: { readonly before: number; readonly loading: number };

  beforeAll(async () => {
    const node = await openNode();
    for (const objects of snapshots) {
      expect(await node.apply(objects)).toMatchObject({ exitCode: 0 });
      wanted.push(await tablesOf(node));
    }
    const start = performance.now();
    const apply = await startApply(node, snapshots[0]);
    await apply.loads();
    const middle = performance.now();
    expect(await apply.ended).toBe(0);
    duration = { before: middle - start, loading: performance.now() - middle };
    expect(await tablesOf(node)).toEqual(wanted[0]);
    await node.close();
  });

  test.concurrent.each([
    { program: 'svc2nft', kill: async (apply: RunningApply) => apply.kill() },
    { program: 'its nft', kill: (apply: RunningApply) => apply.killNft() },
  ])('of $program leaves the old or the new ruleset', { timeout: kills * 20_000 }, async ({ program, kill }) => {
    const node = await openNode();
    expect(await node.apply(snapshots[0])).toMatchObject({ exitCode: 0 });
    const outcomes: string[] = [];
    let killed = 0;
    for (const [index, { part, whileLoading }] of moments.entries()) {
      const [old, next] = index % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      const apply = await startApply(node, snapshots[next]);
      if (whileLoading) {
        await apply.loads();
      }
      await pause(part * (duration.loading + (whileLoading ? 0 : duration.before)));
      killed += (await kill(apply)) ? 1 : 0;
      await apply.allEnded();
      outcomes.push(compareTables(await tablesOf(node), { old: wanted[old], fresh: wanted[next] }));
      expect(await node.apply(snapshots[next])).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await tablesOf(node)).toEqual(wanted[next]);
    }
    await node.close();
    // Each of the two tables has a transaction of its own.
    console.log(`${program} was killed ${killed} times, with these tables in the kernel:`, outcomes.join(', '));
    expect(killed).toBeGreaterThan(0);
    expect(outcomes.filter((outcome) => !/^(old|new) (old|new)$/.test(outcome))).toEqual([]);
  });

  test.concurrent('while nft is slow, and another apply at once: the table is that of the other one, and stays so', {
    timeout: kills * 20_000,
  }, async () => {
    const node = await openNode();
    const first = await startApply(node, snapshots[0]);
    expect(await first.ended).toBe(0);
    const outcomes: string[] = [];
    const others = [
      [1, 2],
      [2, 0],
      [0, 1],
    ] as const;
    let held: 0 | 1 | 2 = 0;
    let [killed, left] = [0, 0];
    for (const [index, { part, before, after }] of slowMoments.entries()) {
      // The other one brings what is held already, or something else again.
      const late = others[held][0];
      held = index % 2 === 0 ? held : others[held][1];
      const slow = await startApply(node, snapshots[late], await slowNft(node, { before, after }));
      await slow.loads();
      // Each family has a transaction.
      await pause(part * 2 * (before + after + duration.loading / 2));
      killed += slow.kill() ? 1 : 0;
      await slow.ended;
      left += slow.isLeft() ? 1 : 0;
      const other = await startApply(node, snapshots[held]);
      expect(await other.ended).toBe(0);
      const atOnce = await tablesOf(node);
      await slow.allEnded();
      for (const found of [atOnce, await tablesOf(node)]) {
        outcomes.push(compareTables(found, { old: wanted[late], fresh: wanted[held] }));
      }
    }
    await node.close();
    console.log(
      `svc2nft was killed ${killed} times and left an nft ${left} times; tables that are not as desired:`,
      outcomes.filter((one) => one !== 'new new').length,
    );
    expect(left).toBeGreaterThan(0);
    expect(outcomes.filter((outcome) => outcome !== 'new new')).toEqual([]);
  });
});

async function tablesOf(node: TestNode): Promise<string[]> {
  const listings = await Promise.all([node.listing('ip'), node.listing('ip6')]);
  return listings.map((listing) => JSON.stringify(listing && comparableRuleset(listing.ruleset)));
}

function compareTables(
  found: readonly string[],
  { old, fresh }: Readonly<Record<'old' | 'fresh', readonly string[] | undefined>>,
): string {
  const states = found.map((text, family) => {
    if (text === old?.[family]) {
      return 'old';
    }
    return text === fresh?.[family] ? 'new' : 'neither';
  });
  return states.join(' ');
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
