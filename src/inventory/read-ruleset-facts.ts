import type { Family, Socket } from '../network.ts';
import { setNames } from '../phases/5-plan/names.ts';
import type { Element, Ruleset } from '../phases/5-plan/ruleset.ts';
import type { Frontend } from '../report/frontend.ts';
import { readSettings } from '../report/read-settings.ts';
import type { FrontendType } from './frontend-row.ts';

/** What a ruleset says beside its frontends. */
export interface RulesetFacts {
  readonly family: Family;
  /** How a frontend came to its address, as far as the rules tell. */
  readonly typeOf: (frontend: Frontend) => FrontendType;
  /** Whether an endpoint may meet itself here, and so runs on this node. */
  readonly isLocal: (socket: Socket, protocol: string) => boolean;
  /** Whether node ports are open at no address at all. */
  readonly closesNodePorts: boolean;
}

/** Reads them; the sets of cluster IPs and hairpin connections are gone through once, when first asked. */
export function readRulesetFacts(ruleset: Ruleset): RulesetFacts {
  const elementsIn = (name: string): readonly Element[] =>
    ruleset.sets.find((set) => set.name === name)?.elements ?? [];
  const owners = once(
    () =>
      new Map(elementsIn(setNames.clusterIps).map(({ key, comment }): [string, string | undefined] => [key, comment])),
  );
  const hairpins = once(() => new Set(elementsIn(setNames.hairpinConnections).map(({ key }) => key)));
  return {
    family: ruleset.family,
    typeOf: (frontend) => guessType(frontend, owners()),
    isLocal: ({ address, port }, protocol) => hairpins().has(`${address} . ${address} . ${protocol} . ${port}`),
    closesNodePorts: readSettings(ruleset)['node port addresses']?.length === 0,
  };
}

/** A cluster IP may be the external IP of another Service at another port, so its owner has to be the same. */
function guessType(
  { key, name, sourceRanges }: Frontend,
  owners: ReadonlyMap<string, string | undefined>,
): FrontendType {
  const parts = key.split(' . ');
  const [address = ''] = parts;
  if (parts.length === 2) {
    return 'NodePort';
  }
  if (owners.get(address) === name.split(':')[0]) {
    return 'ClusterIP';
  }
  return sourceRanges === null ? 'External' : 'LoadBalancer';
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
