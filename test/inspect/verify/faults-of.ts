import { readFileSync } from 'node:fs';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { loadFixture } from '../../support/fixture.ts';
import type { Plant } from './plant.ts';
import { linesOf, sidesOf } from './verify-objects.ts';

/** The faults of what a fixture compiles to, once something is planted in it, as lines. */
export function faultsOf(fixture: string, plant: Plant): string[] {
  const { snapshotFile, options } = loadFixture(fixture);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const sides = sidesOf(documents, options);
  return sides.flatMap(({ ruleset, expectations }) => linesOf({ ruleset: plant(ruleset), expectations }));
}
