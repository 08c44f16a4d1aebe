import type { Family, Protocol } from '../network.ts';
import type { Expression, Statement } from '../phases/5-plan/ruleset.ts';
import { fieldsOf, isCount, onlyField } from './json-shapes.ts';
import { readExpressions } from './read-expression.ts';

/** What a statement's meaning depends on besides itself. */
export interface TranslationContext {
  readonly family: Family;
  /** The transport protocol that the statement before asked for, if it did. */
  readonly protocol: Protocol | undefined;
}

/** A new destination, given the body of `dnat`; undefined for one that no rule of ours has. */
export function readTranslation(json: unknown, { family, protocol }: TranslationContext): Statement | undefined {
  return readDestinationMap(json, family) ?? readDestination(json, family, protocol);
}

/** `dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints` */
function readDestinationMap(json: unknown, family: Family): Statement | undefined {
  const { family: to = family, addr } = fieldsOf(json, ['family', 'addr']) ?? {};
  const [kind, body] = onlyField(addr) ?? [];
  const { key: keyJson, data } = (kind === 'map' && fieldsOf(body, ['key', 'data'])) || {};
  const key = readExpressions(keyJson, family);
  const protocol = key?.map(protocolOf).find((found) => found !== undefined);
  if (to !== family || !key || !protocol || typeof data !== 'string' || !data.startsWith('@')) {
    return undefined;
  }
  return { kind: 'dnat-map', protocol, key, map: data.slice(1) };
}

/** `dnat to 10.1.2.3:80` after `meta l4proto tcp` */
function readDestination(json: unknown, family: Family, protocol: Protocol | undefined): Statement | undefined {
  const { family: to = family, addr, port } = fieldsOf(json, ['family', 'addr', 'port']) ?? {};
  return to === family && protocol && typeof addr === 'string' && isCount(port)
    ? { kind: 'dnat', protocol, address: addr, port }
    : undefined;
}

/** The transport protocol whose port an expression reads. */
export function protocolOf(expression: Expression): Protocol | undefined {
  return expression.kind === 'dport' && expression.protocol !== 'th' ? expression.protocol : undefined;
}
