import type { Family } from '../network.ts';
import { daddr, dportOf, originalDaddr, originalDport, saddr } from '../phases/5-plan/expressions.ts';
import type { Expression, Statement } from '../phases/5-plan/ruleset.ts';
import { renderExpression } from '../phases/6-render/render-expression.ts';
import { fieldsOf, isCount, onlyField, readAll } from './json-shapes.ts';
import { readDuration } from './read-duration.ts';
import { readExpressions } from './read-expression.ts';

/** `update @pins { ... }` or `delete @pins { ... }`, given the body of `set` or `map`; undefined for all else. */
export function readSetChange(json: unknown, family: Family): Statement | undefined {
  const { op, elem, set, map, data } = fieldsOf(json, ['op', 'elem', 'set', 'map', 'data']) ?? {};
  const name = set ?? map;
  const [kind, body] = onlyField(elem) ?? [];
  const { val, timeout } = (kind === 'elem' ? fieldsOf(body, ['val', 'timeout']) : { val: elem }) ?? {};
  const key = readExpressions(val, family);
  const value = data === undefined ? undefined : readExpressions(data, family);
  const isUnderstood = key && (value || data === undefined) && (timeout === undefined || isCount(timeout));
  if ((op !== 'update' && op !== 'delete') || typeof name !== 'string' || !name.startsWith('@') || !isUnderstood) {
    return undefined;
  }
  return {
    kind: op,
    set: name.slice(1),
    key,
    ...(value && { value }),
    ...(timeout !== undefined && { timeoutSeconds: timeout }),
  };
}

/**
 * The same from the text that nft 1.0.6 prints, which has no JSON for changes of maps:
 * `update @tcp-pins { ip saddr . ct original ip daddr timeout 3h : ip daddr . tcp dport }`.
 */
export function readMapChangeText(text: string, family: Family): Statement | undefined {
  const [, op, set, keyText = '', timeout, valueText = ''] = changePattern.exec(text) ?? [];
  const key = readExpressionTexts(keyText, family);
  const value = readExpressionTexts(valueText, family);
  const timeoutSeconds = timeout === undefined ? undefined : readDuration(timeout);
  const isUnderstood = key && value && (timeout === undefined || isCount(timeoutSeconds));
  if ((op !== 'update' && op !== 'delete') || set === undefined || !isUnderstood) {
    return undefined;
  }
  return { kind: op, set, key, value, ...(timeoutSeconds !== undefined && { timeoutSeconds }) };
}

const changePattern = /^(update|delete) @([^ ]+) \{ (.+?)(?: timeout ([0-9a-z]+))? : (.+) \}$/;

function readExpressionTexts(text: string, family: Family): Expression[] | undefined {
  return readAll(text.split(' . '), (part) =>
    expressionsInText.find((expression) => renderExpression(expression, family) === part),
  );
}

const expressionsInText: readonly Expression[] = [
  saddr,
  daddr,
  originalDaddr,
  originalDport,
  dportOf('tcp'),
  dportOf('udp'),
  dportOf('sctp'),
];
