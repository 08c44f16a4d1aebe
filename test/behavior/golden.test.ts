import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/format-diagnostic.ts';
import { compileFixture } from '../support/compile-fixture.ts';
import { listFixtures, topicOf } from '../support/fixture.ts';
import { iptablesOfFixture } from '../support/iptables-fixture.ts';

const folder = fileURLToPath(new URL('../../golden/', import.meta.url));
const writing = process.env['GOLDEN'] === 'write';
const names = listFixtures();
const kinds = ['nft', 'txt', 'iptables', 'ip6tables'];

if (writing) {
  rmSync(folder, { recursive: true });
}

describe('golden files', () => {
  test('there are at least 40 behaviors', () => {
    expect(names.length).toBeGreaterThanOrEqual(40);
  });

  test.each(names)('%s', (name) => {
    const { text, diagnostics } = compileFixture(name);
    expectGolden(`${topicOf(name)}/${name}.nft`, text);
    for (const [kind, rules] of Object.entries(iptablesOfFixture(name).texts)) {
      expectGolden(`${topicOf(name)}/${name}.${kind}`, rules);
    }
    const warnings = diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic, { color: false })}\n`).join('');
    expectGolden(`${topicOf(name)}/${name}.txt`, warnings === '' ? undefined : warnings);
  });

  test('every golden file has a fixture', () => {
    const wanted = new Set(names.flatMap((name) => kinds.map((kind) => `${topicOf(name)}/${name}.${kind}`)));
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.includes('.'));
    const orphans = files.filter((file) => !wanted.has(file));
    expect(orphans).toEqual([]);
  });
});

/** Diagnostics go into a .txt beside the ruleset; a fixture without any has none. */
function expectGolden(file: string, actual: string | undefined): void {
  const path = `${folder}${file}`;
  if (writing && actual !== undefined) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
  }
  expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined, `golden/${file} (npm run golden rewrites it)`).toBe(
    actual,
  );
}
