import type { Family, Protocol } from '../network.ts';
import type { Expression, KeyType, SetDeclaration } from '../phases/5-plan/ruleset.ts';
import { fieldsOf, listOf, readAll } from './json-shapes.ts';
import { readExpressions } from './read-expression.ts';
import { protocolOf } from './read-translation.ts';

/** The types of a key, and the protocol of the ports in it, where the listing says so. */
export interface KeyTypes {
  readonly types: readonly KeyType[];
  readonly protocol: Protocol | undefined;
}

/** The parts of a key, given as names of types or, by newer versions of nft, as expressions; undefined for others. */
export function readKeyTypes(json: unknown, family: Family): KeyTypes | undefined {
  const example = fieldsOf(json, ['typeof'])?.['typeof'];
  if (example === undefined) {
    const types = readAll(listOf(json), (name) => typeOfName(name, family));
    return types && types.length > 0 ? { types, protocol: undefined } : undefined;
  }
  const expressions = readExpressions(example, family);
  const types = expressions && readAll(expressions, typeOfExpression);
  const protocol = expressions?.map(protocolOf).find((found) => found !== undefined);
  return types && { types, protocol };
}

/** What a map leads to; undefined for what no map of ours does. nft 1.0.6 prints `ipv4_addr . inet_service` as one text. */
export function readValueType(json: unknown, family: Family): SetDeclaration['value'] {
  if (json === 'verdict') {
    return 'verdict';
  }
  const types = readKeyTypes(typeof json === 'string' ? json.split(' . ') : json, family)?.types;
  return types?.join() === 'address,port' ? 'socket' : undefined;
}

function typeOfName(name: unknown, family: Family): KeyType | undefined {
  switch (name) {
    case 'ipv4_addr':
      return family === 'ip' ? 'address' : undefined;
    case 'ipv6_addr':
      return family === 'ip6' ? 'address' : undefined;
    case 'inet_proto':
      return 'protocol';
    case 'inet_service':
      return 'port';
    case 'integer':
      return 'index';
    default:
      return undefined;
  }
}

function typeOfExpression({ kind }: Expression): KeyType | undefined {
  switch (kind) {
    case 'address':
    case 'ct-original-daddr':
      return 'address';
    case 'l4proto':
      return 'protocol';
    case 'dport':
    case 'ct-original-dport':
      return 'port';
    case 'numgen':
      return 'index';
    default:
      return undefined;
  }
}
