import type { Family, Protocol } from '../../net/network.ts';
import { daddr, dportOf, l4proto, originalDaddr, originalDport, saddr, thDport } from '../expressions.ts';
import type { Expression } from '../ruleset.ts';
import type { NftConntrack, NftField, NftFlags, NftKey, NftNumgen, NftPayload, NftRoute } from './nft-json.ts';

/** The expressions of a lookup's key, one or several; undefined when svc2nft never writes one of them. */
export function readExpressions(key: NftKey, family: Family): Expression[] | undefined {
  return readAll('concat' in key ? key.concat : [key], (field) => readField(field, family));
}

/** An expression, `{"payload": {"protocol": "ip", "field": "daddr"}}`; undefined for one that svc2nft never writes. */
export function readField(field: NftField, family: Family): Expression | undefined {
  if ('payload' in field) {
    return readPayload(field.payload, family);
  }
  if ('meta' in field) {
    return readMeta(field.meta);
  }
  if ('ct' in field) {
    return readConnection(field.ct, family);
  }
  return 'fib' in field ? readRouteType(field.fib) : readRandomNumber(field.numgen);
}

function readPayload({ protocol, field }: NftPayload, family: Family): Expression | undefined {
  if (protocol === family) {
    return readAddressField(field);
  }
  if (field !== 'dport') {
    return undefined;
  }
  const transport = readProtocol(protocol);
  return protocol === 'th' ? thDport : transport && dportOf(transport);
}

function readAddressField(field: string): Expression | undefined {
  if (field === 'saddr') {
    return saddr;
  }
  return field === 'daddr' ? daddr : undefined;
}

function readMeta({ key }: { readonly key: string }): Expression | undefined {
  switch (key) {
    case 'l4proto':
      return l4proto;
    case 'iifname':
      return { kind: 'iifname' };
    default:
      return undefined;
  }
}

function readConnection({ key, dir }: NftConntrack, family: Family): Expression | undefined {
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

function readRouteType({ result, flags }: NftRoute): Expression | undefined {
  const field = onlyFlag(flags);
  return result === 'type' && (field === 'saddr' || field === 'daddr') ? { kind: 'fib-type', field } : undefined;
}

function readRandomNumber({ mode, mod, offset = 0 }: NftNumgen): Expression | undefined {
  return mode === 'random' && offset === 0 && isCount(mod) ? { kind: 'numgen', modulus: mod } : undefined;
}

/** The one flag that is set; undefined when there are others as well, or none. */
export function onlyFlag(flags: NftFlags | undefined): string | undefined {
  if (typeof flags !== 'object') {
    return flags;
  }
  return flags.length === 1 ? flags[0] : undefined;
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
 * A transport protocol of Services; undefined for any other. nft takes names from /etc/protocols, which small systems
 * do not have, and prints numbers then, or with `-n`.
 */
export function readProtocol(word: unknown): Protocol | undefined {
  return protocolNames.get(word);
}

/** Whether it is a whole number from 0 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Each item read; undefined when one of them is not understood. */
export function readAll<I, T>(items: readonly I[], read: (item: I) => T | undefined): T[] | undefined {
  const results: T[] = [];
  for (const item of items) {
    const result = read(item);
    if (result === undefined) {
      return undefined;
    }
    results.push(result);
  }
  return results;
}
