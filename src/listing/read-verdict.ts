import type { Socket } from '../network.ts';
import type { Element } from '../phases/5-plan/ruleset.ts';
import { fieldsOf, onlyField } from './json-shapes.ts';

/** What a verdict map leads to. */
export type Verdict = Exclude<Element['value'], Socket | undefined>;

/** A verdict, `{"goto": {"target": "tcp-cluster-3"}}`; undefined for one that no verdict map of ours holds. */
export function readVerdict(json: unknown): Verdict | undefined {
  const [kind, body] = onlyField(json) ?? [];
  if (kind === 'drop') {
    return { kind };
  }
  const { target } = (kind === 'goto' && fieldsOf(body, ['target'])) || {};
  return typeof target === 'string' ? { kind: 'goto', chain: target } : undefined;
}
