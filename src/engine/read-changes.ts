import type { Diagnostic, ObjectReference } from '../diagnostics/diagnostic.ts';
import { describeValue, isMapping } from '../lib/unknown-values.ts';

/** What changes say as far as it has the right type, and diagnostics about all else. */
interface ReadChanges {
  readonly apply: readonly unknown[];
  readonly remove: readonly ObjectReference[];
  readonly isComplete: boolean;
  readonly diagnostics: Diagnostic[];
}

/** Reads `Changes`, of which programs in JavaScript may give anything. Does not throw. */
export function readChanges(changes: unknown): ReadChanges {
  if (!isMapping(changes)) {
    const problem = invalid('changes', changes, 'a mapping with apply, remove and complete');
    return { apply: [], remove: [], isComplete: false, diagnostics: [problem] };
  }
  const { apply, remove, complete, ...others } = changes;
  const diagnostics = Object.keys(others).map((name) => unknownKey(name));
  const references = readList('remove', remove, diagnostics).filter(
    (reference, index): reference is ObjectReference => {
      const problem = findProblem(reference, `remove[${index}]`);
      diagnostics.push(...(problem ? [problem] : []));
      return problem === undefined;
    },
  );
  if (complete !== undefined && typeof complete !== 'boolean') {
    diagnostics.push(invalid('complete', complete, 'true'));
  }
  return {
    apply: readList('apply', apply, diagnostics),
    remove: references,
    isComplete: complete === true,
    diagnostics,
  };
}

function readList(name: string, value: unknown, diagnostics: Diagnostic[]): readonly unknown[] {
  if (value !== undefined && !Array.isArray(value)) {
    diagnostics.push(invalid(name, value, 'a list'));
  }
  return Array.isArray(value) ? Array.from<unknown>(value) : [];
}

function findProblem(reference: unknown, name: string): Diagnostic | undefined {
  const expected = 'a mapping with kind, namespace and name';
  if (!isMapping(reference)) {
    return invalid(name, reference, expected);
  }
  const { kind, namespace, name: ownName } = reference;
  if (ownName === undefined && isMapping(reference['metadata'])) {
    return { code: 'invalid-option', message: `${name} is an object; expected ${expected}` };
  }
  const wrong = [
    ['kind', kind, typeof kind === 'string'],
    ['name', ownName, ownName === undefined || typeof ownName === 'string'],
    // Clients may have null for none.
    ['namespace', namespace, namespace === undefined || namespace === null || typeof namespace === 'string'],
  ].find(([, , isRight]) => !isRight);
  return wrong && invalid(`${name}.${wrong[0]}`, wrong[1], 'a string');
}

function invalid(name: string, value: unknown, expected: string): Diagnostic {
  const verb = name === 'changes' ? 'are' : 'is';
  return { code: 'invalid-option', message: `${name} ${verb} ${describeValue(value)}; expected ${expected}` };
}

function unknownKey(name: string): Diagnostic {
  const message = `changes have ${describeValue(name)}, which is unknown; expected apply, remove or complete`;
  return { code: 'invalid-option', message };
}
