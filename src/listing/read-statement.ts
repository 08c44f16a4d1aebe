import type { Family } from '../network.ts';
import type { Expression, Statement } from '../phases/5-plan/ruleset.ts';
import { fieldsOf, listOf, onlyField } from './json-shapes.ts';
import { readExpressions } from './read-expression.ts';
import { readMarkChange } from './read-mark.ts';
import { readMatch } from './read-match.ts';
import { readMapChangeText, readSetChange } from './read-set-change.ts';
import { readTranslation, type TranslationContext } from './read-translation.ts';
import { readVerdict } from './read-verdict.ts';

/** A statement of a rule; undefined for one that no rule of ours has. */
export function readStatement(json: unknown, { family, protocol }: TranslationContext): Statement | undefined {
  if (typeof json === 'string') {
    return readMapChangeText(json, family);
  }
  const [kind, body] = onlyField(json) ?? [];
  switch (kind) {
    case 'match':
      return readMatch(body, family);
    case 'mangle':
      return readMarkChange(body);
    case 'vmap':
      return readVerdictMap(body, family);
    case 'dnat':
      return readTranslation(body, { family, protocol });
    case 'set':
    case 'map':
      return readSetChange(body, family);
    case 'jump':
    case 'goto':
      return readJump(kind, body);
    case 'masquerade':
      return readMasquerade(body);
    case 'reject':
      return readReject(body, family);
    case 'drop':
    case 'return':
      return body === null ? { kind } : undefined;
    default:
      return undefined;
  }
}

/** A lookup in a named map, or in a map of its own from random numbers to chains. */
function readVerdictMap(json: unknown, family: Family): Statement | undefined {
  const { key: keyJson, data } = fieldsOf(json, ['key', 'data']) ?? {};
  const key = readExpressions(keyJson, family);
  if (key && typeof data === 'string' && data.startsWith('@')) {
    return { kind: 'vmap', key, map: data.slice(1) };
  }
  const [kind, entries] = onlyField(data) ?? [];
  return kind === 'set' && Array.isArray(entries) ? readRandomGoto(key, entries) : undefined;
}

function readRandomGoto(key: readonly Expression[] | undefined, entries: readonly unknown[]): Statement | undefined {
  const [expression, ...others] = key ?? [];
  if (expression?.kind !== 'numgen' || others.length > 0 || expression.modulus !== entries.length) {
    return undefined;
  }
  const chains: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const [number, verdict]: unknown[] = Array.isArray(entry) ? entry : [];
    const goto = readVerdict(verdict);
    if (number !== index || goto?.kind !== 'goto') {
      return undefined;
    }
    chains.push(goto.chain);
  }
  return { kind: 'random-goto', chains };
}

function readJump(kind: 'jump' | 'goto', json: unknown): Statement | undefined {
  const { target } = fieldsOf(json, ['target']) ?? {};
  return typeof target === 'string' ? { kind, chain: target } : undefined;
}

function readMasquerade(json: unknown): Statement | undefined {
  const [flag, ...others] = listOf(fieldsOf(json, ['flags'])?.['flags']);
  return flag === 'fully-random' && others.length === 0 ? { kind: 'masquerade' } : undefined;
}

/** Without a word on how, it is an ICMP error that says "port unreachable". */
function readReject(json: unknown, family: Family): Statement | undefined {
  const { type, expr } = fieldsOf(json, ['type', 'expr']) ?? {};
  const [icmp, code] = family === 'ip' ? ['icmp', 3] : ['icmpv6', 4];
  const isUsual = json === null || (type === icmp && (expr === 'port-unreachable' || expr === code));
  return isUsual ? { kind: 'reject' } : undefined;
}
