import type { Deviation, DynamicElement } from '../../../src/nft/listed-table.ts';
import type { FilledSet } from '../../../src/nft/ruleset.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { readNftJson } from './parse-nft-json.ts';

/** What a listing says of a set. */
interface ReadSet {
  readonly set: FilledSet | undefined;
  readonly dynamic: readonly DynamicElement[] | undefined;
  readonly deviations: readonly Deviation[];
}

/** Reads one set or map, `a`, of a table `ip svc2nft`. */
export function readOneSet(kind: 'set' | 'map', body: Record<string, unknown>): ReadSet {
  const place = { family: 'ip', table: 'svc2nft', name: 'a', comment: 'test' };
  const { ruleset, dynamic, deviations } = readNftJson(
    { nftables: [{ table: { family: 'ip', name: 'svc2nft' } }, { [kind]: { ...place, ...body } }] },
    { family: 'ip', table: 'svc2nft' },
    knownNames,
  );
  return { set: ruleset.sets[0], dynamic: dynamic.get('a'), deviations };
}
