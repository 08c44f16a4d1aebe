import type { Mapping } from '../mapping.ts';
import type { Family, Protocol } from '../network.ts';
import { endpointMapName } from '../phases/5-plan/names.ts';
import type { SetDeclaration } from '../phases/5-plan/ruleset.ts';
import { protocols } from '../protocols.ts';
import { isCount, listOf, wordFor } from './json-shapes.ts';
import { readKeyTypes, readValueType } from './read-types.ts';

/** A set or map as nft prints it. */
export interface SetObject {
  readonly kind: 'set' | 'map';
  readonly name: string;
  readonly body: Mapping;
}

/** A declaration as far as it is understood, and what is not. */
export interface ListedDeclaration {
  /** Undefined when keys or values are of types that no set of ours has. */
  readonly declaration: SetDeclaration | undefined;
  /** What no set of ours has, `type ether_addr`, `auto-merge`. */
  readonly foreign: readonly string[];
}

/** Reads how a set or map is declared. One without a comment, which no set of ours is, has an empty one. */
export function readDeclaration({ kind, name, body }: SetObject, family: Family): ListedDeclaration {
  const key = readKeyTypes(body['type'], family);
  const value = kind === 'map' ? readValueType(body['map'], family) : undefined;
  const foreign = [...foreignFlags(body), ...foreignFields.filter((field) => field in body)];
  if (!key || (kind === 'map' && !value)) {
    return { declaration: undefined, foreign: [describeTypes(kind, body), ...foreign] };
  }
  const { size, timeout, comment } = body;
  const protocol = key.protocol ?? (key.types.includes('index') ? endpointProtocols.get(name) : undefined);
  const flags = readFlags(body);
  return {
    declaration: {
      name,
      key: key.types,
      ...(protocol && { protocol }),
      ...(value && { value }),
      ...(flags.length > 0 && { flags }),
      ...(isCount(size) && { size }),
      ...(isCount(timeout) && { timeoutSeconds: timeout }),
      comment: typeof comment === 'string' ? comment : '',
    },
    foreign,
  };
}

/** What a set can have and none of ours has. Fields that nobody knows yet are left alone; the newest nft tells a `count`. */
const foreignFields = ['policy', 'gc-interval', 'auto-merge', 'stmt'];

/** nft 1.0.6 does not print in JSON which protocol's ports a key holds, so the compiler's own declarations must tell. */
const endpointProtocols: ReadonlyMap<string, Protocol> = new Map(
  protocols.flatMap((protocol) =>
    (['address', 'nodeport'] as const).flatMap((frontend) =>
      (['cluster', 'local'] as const).map((scope) => [endpointMapName({ protocol, frontend, scope }), protocol]),
    ),
  ),
);

/** In the compiler's order. nft 1.0.6 does not print `dynamic`, without which no set of ours has `timeout`. */
function readFlags(body: Mapping): NonNullable<SetDeclaration['flags']> {
  const listed = listOf(body['flags']);
  const isDynamic = listed.includes('dynamic') || listed.includes('timeout');
  return (['interval', 'dynamic', 'timeout'] as const).filter((flag) =>
    flag === 'dynamic' ? isDynamic : listed.includes(flag),
  );
}

function foreignFlags(body: Mapping): string[] {
  const known: readonly unknown[] = ['interval', 'dynamic', 'timeout'];
  return listOf(body['flags'])
    .filter((flag) => !known.includes(flag))
    .map((flag) => `flag ${wordFor(flag)}`);
}

function describeTypes(kind: SetObject['kind'], { type, map }: Mapping): string {
  const [key, value] = [type, map].map((json) =>
    listOf(json)
      .map((name) => (typeof name === 'string' ? name : 'typeof'))
      .join(' . '),
  );
  const keys = key === '' ? 'an empty type' : `type ${key}`;
  if (value !== '') {
    return `${keys} : ${value}`;
  }
  return kind === 'map' ? `${keys} without a type of values` : keys;
}
