import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describePlan } from '../../src/cli/output/render-plan.ts';
import { compileRulesets } from '../../src/compile.ts';
import { planTable } from '../../src/diff/plan-table.ts';
import { parseNftText } from '../../src/nft/text/parse-nft-text.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { knownNames } from '../../src/phases/5-plan/names.ts';
import { loadFixture } from '../support/fixture.ts';
import { runMain } from '../support/run-main.ts';

/* The files of earlier-layouts/ are what earlier versions printed for this fixture. */
const fixture = loadFixture('client-affinity-holds-at-cluster-ips');
const fileOf = (name: string): string => new URL(`earlier-layouts/${name}.nft`, import.meta.url).pathname;
const layout = 'the table is in the layout of an earlier version';

describe.each(['pins-by-protocol', 'filter-chains', 'checks-in-filter-chains'])('a table with %s', (name) => {
  test('apply says once that its layout is that of an earlier version, and what others changed', () => {
    const text = readFileSync(fileOf(name), 'utf8');
    const foreign = '\tchain mine {\n\t\tdrop;\n\t}\n}\n';
    expect(findingsOf(text)).toEqual([`${layout}; it is brought up to date`]);
    expect(findingsOf(text.replace(/\}\n$/, foreign))).toEqual([
      `${layout}; it is brought up to date`,
      'unknown chain mine',
    ]);
  });
});

function findingsOf(text: string): string[] {
  const name = { family: 'ip', table: 'svc2nft' } as const;
  const [actual] = parseNftText(text, [name], knownNames).tables;
  const file = fixture.snapshotFile;
  const { documents } = readDocuments([{ file, content: readFileSync(file) }]);
  const { rulesets: [desired] = [] } = compileRulesets(documents, fixture.options);
  const plan = desired && planTable(desired, actual);
  expect(plan?.commands).not.toEqual([]);
  return plan ? describePlan({ ...plan, view: undefined }).findings.map(({ message }) => message) : [];
}

describe.each(['pins-by-protocol', 'filter-chains'])('verify of a table with %s', (name) => {
  const verify = (input?: string) =>
    runMain(
      [
        ...['verify', fixture.snapshotFile, '--family', 'ip', '--ruleset', input === undefined ? fileOf(name) : '-'],
        ...['--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16'],
      ],
      { ...(input !== undefined && { input }) },
    );

  test('has one fault', async () => {
    const { exitCode, stdout } = await verify();
    expect([exitCode, stdout.split('\n').slice(0, -2)]).toEqual([1, [`${layout}; svc2nft apply brings it up to date`]]);
    expect(stdout).toMatch(/packets walked: 1 fault\n$/);
  });

  test('still finds what leads packets elsewhere, and rules that others wrote', async () => {
    const text = readFileSync(fileOf(name), 'utf8');
    const wrong = text.replace('10.96.0.10 . 80 . 0 : 10.244.1.10 . 8080', '10.96.0.10 . 80 . 0 : 10.244.9.9 . 8080');
    expect(wrong).not.toBe(text);
    expect((await verify(wrong)).stdout).toContain('10.244.9.9:8080');
    const foreign = text.replace('\tchain services {\n', '\tchain services {\n\t\tip saddr 203.0.113.7 drop;\n');
    expect((await verify(foreign)).stdout).toContain('chain services, rule 1 is not one that svc2nft writes there');
  });
});
