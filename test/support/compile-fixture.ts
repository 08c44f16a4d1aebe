import { readFileSync } from 'node:fs';
import { type CompileResult, compile } from '../../src/compile.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { type Fixture, loadFixture } from './fixture.ts';

/** A fixture with its ruleset; a fixture that does not compile throws with its first diagnostic. */
export interface CompiledFixture extends Fixture {
  readonly rulesets: NonNullable<CompileResult['rulesets']>;
  readonly text: string;
  readonly diagnostics: CompileResult['diagnostics'];
}

const compiled = new Map<string, CompiledFixture>();

/** Compiles a fixture as the command line would; each once per worker, as many files of tests look at all of them. */
export function compileFixture(name: string): CompiledFixture {
  const known = compiled.get(name) ?? compileOnce(name);
  compiled.set(name, known);
  return known;
}

function compileOnce(name: string): CompiledFixture {
  const fixture = loadFixture(name);
  const file = `${fixture.folder}/snapshot.yaml`;
  const { documents, diagnostics } = readDocuments([{ file, content: readFileSync(fixture.snapshotFile) }]);
  const result = compile(documents, fixture.options);
  if (!result.rulesets || result.text === undefined || diagnostics.length > 0) {
    throw new Error(`${file}: ${JSON.stringify([...diagnostics, ...result.diagnostics][0]?.message)}`);
  }
  return { ...fixture, rulesets: result.rulesets, text: result.text, diagnostics: result.diagnostics };
}
