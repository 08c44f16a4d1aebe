import type { Family, Protocol } from '../../network.ts';
import type { Element, EndpointList, FilledSet, KeyType, SetDeclaration } from '../5-plan/ruleset.ts';
import { block, concat, identifier, indent, quote } from './render-text.ts';

/** A set or map with its elements, one on a line, inside its table. */
export function renderSet(set: FilledSet, family: Family): string[] {
  const head = `${set.value === undefined ? 'set' : 'map'} ${identifier(set.name)}`;
  const declaration = renderDeclaration(set, family).map((line) => indent(2, line));
  const elements = [...set.elements.map(renderElement), ...(set.lists ?? []).map(renderList)];
  // An empty list of elements is a syntax error.
  const filled = elements.length > 0 ? block(2, 'elements =', [elements.join('\n')]) : [];
  return block(1, head, [...declaration, ...filled]);
}

/** What a set or map is made of: types, flags and limits, one on a line. */
export function renderDeclaration(set: SetDeclaration, family: Family): string[] {
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

/** An element on a line of its own. */
function renderElement(element: Element): string {
  return ['\t\t\t', elementText(element), ','].join('');
}

/**
 * An element as nft reads it; a comment stands between key and value. Keys and values are made of canonical addresses
 * and numbers (phase 3), and there are too many of them to look at each again. Joining makes one flat string at once,
 * where a template would leave a tree of pieces to be walked later.
 */
export function elementText({ key, value, comment }: Element): string {
  const note = comment === undefined ? '' : ` comment ${quote(comment)}`;
  if (value === undefined) {
    return note === '' ? key : [key, note].join('');
  }
  if ('address' in value) {
    return [key, note, ' : ', value.address, ' . ', value.port].join('');
  }
  // A chain's name is looked at where the chain itself is written.
  const verdict = value.kind === 'drop' ? 'drop' : `goto ${value.chain}`;
  return [key, note, ' : ', verdict].join('');
}

/** A line for each socket, joined at once: most of the text comes from here. */
function renderList({ key, sockets }: EndpointList): string {
  const start = `\t\t\t${key} . `;
  const parts: (string | number)[] = [];
  sockets.forEach(({ address, port }, index) => {
    parts.push(index === 0 ? '' : '\n', start, index, ' : ', address, ' . ', port, ',');
  });
  return parts.join('');
}
