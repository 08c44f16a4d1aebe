import type { Family } from '../../network.ts';
import type { Rule, Statement } from '../5-plan/ruleset.ts';
import { renderExpression, renderKey, renderScalar } from './render-expression.ts';
import { concat, identifier, word } from './render-text.ts';

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** A rule on one line. */
export function renderRule(rule: Rule, family: Family): string {
  return rule.map((statement) => renderStatement(statement, family)).join(' ');
}

function renderStatement(statement: Statement, family: Family): string {
  switch (statement.kind) {
    case 'match':
      return renderMatch(statement, family);
    case 'match-set':
      return `${renderKey(statement.key, family)} ${statement.negated ? '!= ' : ''}@${identifier(statement.set)}`;
    case 'match-mark':
      return `meta mark and ${hex(statement.mark)} != 0`;
    case 'set-mark':
      return `meta mark set meta mark ${statement.operator} ${hex(statement.mark)}`;
    case 'vmap':
      return `${renderKey(statement.key, family)} vmap @${identifier(statement.map)}`;
    case 'random-goto':
      return renderRandomGoto(statement);
    case 'dnat':
      return renderDnat(statement, family);
    case 'dnat-map':
      return `dnat ${family} to ${renderKey(statement.key, family)} map @${identifier(statement.map)}`;
    case 'update':
    case 'delete':
      return renderSetChange(statement, family);
    case 'jump':
    case 'goto':
      return `${statement.kind} ${identifier(statement.chain)}`;
    case 'masquerade':
      // Random source ports keep two connections from racing for one.
      return 'masquerade fully-random';
    case 'drop':
    case 'reject':
    case 'return':
      return statement.kind;
  }
}

function renderMatch({ left, negated, right }: Of<'match'>, family: Family): string {
  return `${renderExpression(left, family)} ${negated ? '!= ' : ''}${renderScalar(right, left)}`;
}

function renderRandomGoto({ chains }: Of<'random-goto'>): string {
  const targets = chains.map((chain, index) => `${index} : goto ${identifier(chain)}`);
  return `numgen random mod ${chains.length} vmap { ${targets.join(', ')} }`;
}

/** nft wants to know the protocol of a port. */
function renderDnat({ protocol, address, port }: Of<'dnat'>, family: Family): string {
  const target = family === 'ip' ? word(address) : `[${word(address)}]`;
  return `meta l4proto ${protocol} dnat to ${target}:${port}`;
}

function renderSetChange({ kind, set, key, value, timeoutSeconds }: Of<'update' | 'delete'>, family: Family): string {
  const timeout = timeoutSeconds === undefined ? '' : ` timeout ${timeoutSeconds}s`;
  const data = value === undefined ? '' : ` : ${concat(value.map((part) => renderExpression(part, family)))}`;
  return `${kind} @${identifier(set)} { ${renderKey(key, family)}${timeout}${data} }`;
}

function hex(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}
