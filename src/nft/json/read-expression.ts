import type { Family, Protocol } from '../../net/network.ts';
import { daddr, dportOf, l4proto, originalDaddr, originalDport, saddr, thDport } from '../expressions.ts';
import type { Expression } from '../ruleset.ts';
import { fieldsOf, isCount, listOf, onlyField, partsOf, readAll } from './json-values.ts';

/** An expression, `{"payload": {"protocol": "ip", "field": "daddr"}}`; undefined for one that no rule of ours has. */
export function readExpression(json: unknown, family: Family): Expression | undefined {
  const [kind, body] = onlyField(json) ?? [];
  switch (kind) {
    case 'payload':
      return readPayload(body, family);
    case 'meta':
      return readMeta(body);
    case 'ct':
      return readConnection(body, family);
    case 'fib':
      return readRouteType(body);
    case 'numgen':
      return readRandomNumber(body);
    default:
      return undefined;
  }
}

/** The expressions of a lookup's key, one or a concatenation; undefined when one of them is not understood. */
export function readExpressions(json: unknown, family: Family): Expression[] | undefined {
  return readAll(partsOf(json) ?? [json], (part) => readExpression(part, family));
}

function readPayload(json: unknown, family: Family): Expression | undefined {
  const { protocol, field } = fieldsOf(json, ['protocol', 'field']) ?? {};
  if (protocol === family) {
    return readAddressField(field);
  }
  if (field !== 'dport' || typeof protocol !== 'string') {
    return undefined;
  }
  const transport = readProtocol(protocol);
  return protocol === 'th' ? thDport : transport && dportOf(transport);
}

function readAddressField(field: unknown): Expression | undefined {
  if (field === 'saddr') {
    return saddr;
  }
  return field === 'daddr' ? daddr : undefined;
}

function readMeta(json: unknown): Expression | undefined {
  switch (fieldsOf(json, ['key'])?.['key']) {
    case 'l4proto':
      return l4proto;
    case 'iifname':
      return { kind: 'iifname' };
    default:
      return undefined;
  }
}

function readConnection(json: unknown, family: Family): Expression | undefined {
  const { key, dir } = fieldsOf(json, ['key', 'dir']) ?? {};
  switch (dir === undefined ? key : `${dir} ${key}`) {
    case 'state':
      return { kind: 'ct-state' };
    case 'status':
      return { kind: 'ct-status' };
    case `original ${family} daddr`:
      return originalDaddr;
    case 'original proto-dst':
      return originalDport;
    default:
      return undefined;
  }
}

function readRouteType(json: unknown): Expression | undefined {
  const { result, flags } = fieldsOf(json, ['result', 'flags']) ?? {};
  const [field, ...others] = listOf(flags);
  if (result !== 'type' || (field !== 'saddr' && field !== 'daddr') || others.length > 0) {
    return undefined;
  }
  return { kind: 'fib-type', field };
}

function readRandomNumber(json: unknown): Expression | undefined {
  const { mode, mod, offset = 0 } = fieldsOf(json, ['mode', 'mod', 'offset']) ?? {};
  return mode === 'random' && offset === 0 && isCount(mod) ? { kind: 'numgen', modulus: mod } : undefined;
}

const protocolNames: ReadonlyMap<unknown, Protocol> = new Map<unknown, Protocol>([
  ['tcp', 'tcp'],
  ['udp', 'udp'],
  ['sctp', 'sctp'],
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

/**
 * A transport protocol of Services, undefined for any other. nft takes names from /etc/protocols, which small systems
 * do not have, and prints numbers then, or when it is asked to (`-n`).
 */
export function readProtocol(json: unknown): Protocol | undefined {
  return protocolNames.get(json);
}
