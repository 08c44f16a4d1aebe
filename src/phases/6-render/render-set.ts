import type { Element, Family, FilledSet, KeyType, Protocol, SetDeclaration } from '../5-plan/ruleset.ts';
import { block, concat, identifier, indent, quote } from './render-text.ts';

/** A set or map with its elements, one on a line, inside its table. */
export function renderSet(set: FilledSet, family: Family): string[] {
  const head = `${set.value === undefined ? 'set' : 'map'} ${identifier(set.name)}`;
  const declaration = renderDeclaration(set, family).map((line) => indent(2, line));
  if (set.elements.length === 0) {
    return block(1, head, declaration);
  }
  // Joined at once: there may be hundreds of thousands.
  const elements = set.elements.map(renderElement).join('\n');
  return block(1, head, [...declaration, ...block(2, 'elements =', [elements])]);
}

function renderDeclaration(set: SetDeclaration, family: Family): string[] {
  return [
    `${renderTypes(set, family)};`,
    ...(set.flags ? [`flags ${set.flags.join(',')};`] : []),
    ...(set.size === undefined ? [] : [`size ${set.size};`]),
    ...(set.timeoutSeconds === undefined ? [] : [`timeout ${set.timeoutSeconds}s;`]),
    `comment ${quote(set.comment)};`,
  ];
}

/** `type` names types; `typeof` takes them from expressions and is the only way to have a random index in a key. */
function renderTypes({ key, value, protocol }: SetDeclaration, family: Family): string {
  const [keyword, typeName] = key.includes('index')
    ? (['typeof', (type: KeyType): string => exampleOf(type, family, protocol)] as const)
    : (['type', (type: KeyType): string => typeOf(type, family)] as const);
  const data = { verdict: ' : verdict', socket: ` : ${concat([typeName('address'), typeName('port')])}`, none: '' };
  return `${keyword} ${concat(key.map(typeName))}${data[value ?? 'none']}`;
}

function typeOf(type: KeyType, family: Family): string {
  switch (type) {
    case 'address':
      return family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
    case 'protocol':
      return 'inet_proto';
    case 'port':
      return 'inet_service';
    case 'index':
      return 'integer';
  }
}

/** The modulus only stands for the type; rules may use any. */
function exampleOf(type: KeyType, family: Family, protocol: Protocol | undefined): string {
  switch (type) {
    case 'address':
      return `${family} daddr`;
    case 'protocol':
      return 'meta l4proto';
    case 'port':
      return `${protocol ?? 'th'} dport`;
    case 'index':
      return 'numgen random mod 2';
  }
}

/**
 * A comment stands between key and value. Keys and values are made of canonical addresses and numbers (phase 3), and
 * there are too many of them to look at each again.
 */
function renderElement({ key, value, comment }: Element): string {
  const note = comment === undefined ? '' : ` comment ${quote(comment)}`;
  const data = value === undefined ? '' : ` : ${renderValue(value)}`;
  return `\t\t\t${key}${note}${data},`;
}

function renderValue(value: NonNullable<Element['value']>): string {
  if ('address' in value) {
    return `${value.address} . ${value.port}`;
  }
  return value.kind === 'drop' ? 'drop' : `goto ${identifier(value.chain)}`;
}
