import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../src/format-diagnostic.ts';
import { compileFixture } from './support/compile-fixture.ts';
import { listFixtures } from './support/fixture.ts';

const folder = fileURLToPath(new URL('../golden/', import.meta.url));
const writing = process.env['GOLDEN'] === 'write';
const names = listFixtures();

if (writing) {
  for (const file of readdirSync(folder)) {
    rmSync(`${folder}${file}`);
  }
}

describe('golden files', () => {
  test('there are at least 40 behaviours', () => {
    expect(names.length).toBeGreaterThanOrEqual(40);
  });

  test.each(names)('%s', (name) => {
    const { text, diagnostics } = compileFixture(name);
    expectGolden(`${name}.nft`, text);
    const warnings = diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic, { colour: false })}\n`).join('');
    expectGolden(`${name}.txt`, warnings === '' ? undefined : warnings);
  });

  test('every golden file has a fixture', () => {
    const orphans = readdirSync(folder).filter((file) => !names.includes(file.replace(/\.(nft|txt)$/, '')));
    expect(orphans).toEqual([]);
  });
});

/** Diagnostics go into a .txt beside the ruleset; a fixture without any has none. */
function expectGolden(file: string, actual: string | undefined): void {
  const path = `${folder}${file}`;
  if (writing && actual !== undefined) {
    writeFileSync(path, actual);
  }
  expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined, `golden/${file} (npm run golden rewrites it)`).toBe(
    actual,
  );
}
