import { compileRulesets } from '../../src/compile.ts';
import { type CompileOptions, withDefaults } from '../../src/options.ts';
import type { Document } from '../../src/phases/1-read/document.ts';
import { validate } from '../../src/phases/2-validate/validate.ts';
import type { Ruleset } from '../../src/phases/5-plan/ruleset.ts';
import { deriveExpectations } from '../../src/verify/derive-expectations.ts';
import type { Expectations } from '../../src/verify/expectations.ts';
import type { Fault } from '../../src/verify/verification.ts';
import { type VerifyOptions, verifyRuleset } from '../../src/verify/verify-ruleset.ts';

/** One family: what is compiled and what should be. */
export interface Side {
  readonly ruleset: Ruleset;
  readonly expectations: Expectations;
}

/** Both sides of every family of a snapshot; throws when it does not compile. */
export function sidesOf(documents: readonly Document[], options: Partial<CompileOptions>): Side[] {
  const { views, rulesets, diagnostics } = compileRulesets(documents, options);
  if (!rulesets) {
    throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  }
  const { snapshot } = validate(documents);
  const { masqueradeAll, masqueradeBit } = withDefaults(options);
  return views.flatMap((node, index) => {
    const ruleset = rulesets[index];
    return ruleset
      ? [{ ruleset, expectations: deriveExpectations(snapshot, { node, masqueradeAll, masqueradeBit }) }]
      : [];
  });
}

/** The faults of one side as lines. */
export function linesOf({ ruleset, expectations }: Side, options: VerifyOptions = { isInstalled: false }): string[] {
  return verifyRuleset(ruleset, expectations, options).faults.map(lineOf);
}

function lineOf({ code, service, frontend, message }: Fault): string {
  return `${code} ${[service, frontend].filter((part) => part !== undefined).join(' ')}: ${message}`;
}
