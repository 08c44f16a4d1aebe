import { readFileSync } from 'node:fs';
import { compileIptables } from '../../src/compile.ts';
import type { IptablesRuleset } from '../../src/iptables/iptables-ruleset.ts';
import { printIptables } from '../../src/iptables/print-iptables.ts';
import { readIptables } from '../../src/iptables/read-iptables.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { summarizeSource } from '../../src/phases/5-plan/describe-source.ts';
import { type Fixture, loadFixture } from './fixture.ts';

/** Texts for iptables-restore and ip6tables-restore; a family that is not compiled has none. */
export interface IptablesTexts {
  readonly iptables?: string;
  readonly ip6tables?: string;
}

/** A fixture with its rules for iptables. */
export interface IptablesFixture extends Fixture {
  readonly rulesets: readonly IptablesRuleset[];
  readonly texts: IptablesTexts;
}

/** Rules for iptables as the walker takes them, read from their text. */
export function readBack(rulesets: readonly IptablesRuleset[]): Ruleset[] {
  const texts = rulesets.map((ruleset) => printIptables(ruleset, { heading: [], jumps: true }));
  return readIptables(texts.join('')).map(({ ruleset, deviations }) => {
    if (deviations.length > 0) {
      throw new Error(`rules of svc2nft are not understood: ${deviations[0]?.message}`);
    }
    return ruleset;
  });
}

const compiled = new Map<string, IptablesFixture>();

/** The rules of a fixture as `compile --target iptables` has them; each is compiled once per worker. */
export function iptablesOfFixture(name: string): IptablesFixture {
  const known = compiled.get(name) ?? compileOnce(name);
  compiled.set(name, known);
  return known;
}

function compileOnce(name: string): IptablesFixture {
  const fixture = loadFixture(name);
  const { documents } = readDocuments([{ file: fixture.snapshotFile, content: readFileSync(fixture.snapshotFile) }]);
  const { views, rulesets = [] } = compileIptables(documents, fixture.options);
  const texts = rulesets.map((ruleset, index) => {
    const heading = views.slice(index, index + 1);
    const text = printIptables(ruleset, { heading: [summarizeSource(heading)], jumps: true });
    return [ruleset.family === 'ip' ? 'iptables' : 'ip6tables', text] as const;
  });
  return { ...fixture, rulesets, texts: Object.fromEntries(texts) };
}
