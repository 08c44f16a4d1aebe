import { compileRulesets } from '../../../src/compile.ts';
import type { Document } from '../../../src/diagnostics/document.ts';
import { deriveExpectations } from '../../../src/inspect/verify/derive-expectations.ts';
import type { Expectations } from '../../../src/inspect/verify/expectations.ts';
import type { Fault, VerifyOptions } from '../../../src/inspect/verify/verification.ts';
import { verifyRuleset } from '../../../src/inspect/verify/verify-ruleset.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { type CompileOptions, withDefaults } from '../../../src/options.ts';
import { validate } from '../../../src/phases/2-validate/validate.ts';

/** One family: the compiled ruleset and what is expected of it. */
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
export function linesOf({ ruleset, expectations }: Side, options: VerifyOptions = { isActual: false }): string[] {
  return verifyRuleset(ruleset, expectations, options).faults.map(lineOf);
}

function lineOf({ code, service, frontend, message }: Fault): string {
  return `${code} ${[service, frontend].filter((part) => part !== undefined).join(' ')}: ${message}`;
}
