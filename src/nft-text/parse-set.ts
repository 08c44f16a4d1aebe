import { appendAll } from '../append-all.ts';
import { listOf } from '../listing/json-shapes.ts';
import { readDuration } from '../listing/read-duration.ts';
import { parseElements } from './parse-elements.ts';
import { parseTypes } from './parse-types.ts';
import { scalarOf } from './parse-value.ts';
import { refusePortNames } from './refuse-port-names.ts';
import { accept, expectMark, skipNewlines, takeStatement, tokensOf } from './take-tokens.ts';
import type { TextTokens, Token } from './token.ts';

/**
 * Parses the block of a set or map into the fields that nft's JSON has.
 *
 * @throws NftTextError
 */
export function parseSet(tokens: TextTokens): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const elements: unknown[] = [];
  let hasPorts = false;
  expectMark(tokens, '{');
  for (skipNewlines(tokens); !accept(tokens, '}'); skipNewlines(tokens)) {
    if (accept(tokens, 'elements')) {
      expectMark(tokens, '=');
      fields['elem'] = elements;
      appendAll(elements, parseElements(hasPorts ? refusePortNames(tokens) : tokens));
    } else {
      const property = propertyOf(takeStatement(tokens), tokens);
      Object.assign(fields, property);
      hasPorts = 'type' in property ? holdsPorts(property) : hasPorts;
    }
  }
  return withTimeoutFlag(fields);
}

function propertyOf(line: readonly Token[], tokens: TextTokens): Record<string, unknown> {
  const [{ text: name } = { text: '' }, ...rest] = line;
  const [value] = rest;
  switch (name) {
    case 'type':
    case 'typeof':
      return parseTypes(name, tokensOf(rest, tokens));
    case 'flags':
      return { flags: rest.filter(({ kind }) => kind === 'word').map(({ text }) => text) };
    case 'size':
      return { size: scalarOf(value?.text) };
    case 'timeout':
    case 'gc-interval':
      return { [name]: Math.floor(readDuration(value?.text ?? '') ?? 0) };
    case 'policy':
    case 'comment':
      return { [name]: value?.text };
    case 'auto-merge':
      return { 'auto-merge': true };
    default:
      // A statement for each element, such as `counter`.
      return { stmt: [name] };
  }
}

/** nft 1.0.6 does not print `flags timeout` by itself where it prints a timeout. */
function withTimeoutFlag(fields: Record<string, unknown>): Record<string, unknown> {
  const flags = listOf(fields['flags']);
  return 'timeout' in fields && !flags.includes('timeout') ? { ...fields, flags: [...flags, 'timeout'] } : fields;
}

/** Whether keys or values have ports, and nothing that nft would print in quotes for another reason. */
function holdsPorts({ type, map }: Record<string, unknown>): boolean {
  const types = JSON.stringify([type, map]);
  return /"(?:inet_service|dport|proto-dst)"/.test(types) && !/"(?:i?ifname|counter|quota|limit)"/.test(types);
}
