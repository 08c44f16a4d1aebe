import { baseChains, pinBaseChains } from '../phases/5-plan/base-chains.ts';
import { isDispatchChainName } from '../phases/5-plan/dispatch-chains.ts';
import {
  chainNames,
  endpointMapName,
  pinChainName,
  pinMapName,
  pinSetName,
  setNames,
  stickySetName,
} from '../phases/5-plan/names.ts';
import { protocols } from '../protocols.ts';

/** Whether a compiler of this program could have made a chain of this name. */
export function isOurChain(name: string): boolean {
  return ourChains.has(name) || isDispatchChainName(name) || isOwned(name);
}

/** Whether a compiler of this program could have made a set or map of this name. */
export function isOurSet(name: string): boolean {
  return ourSets.has(name) || isStickySet(name) || isOwned(name);
}

const frontends = ['address', 'nodeport'] as const;

const ourChains: ReadonlySet<string> = new Set([
  ...Object.values(chainNames),
  ...[...baseChains, ...pinBaseChains].map(({ name }) => name),
  ...protocols.map(pinChainName),
]);

const ourSets: ReadonlySet<string> = new Set([
  ...Object.values(setNames),
  ...protocols.flatMap((protocol) => [
    pinMapName(protocol),
    pinSetName(protocol),
    ...frontends.flatMap((frontend) => [
      endpointMapName({ protocol, frontend, scope: 'cluster' }),
      endpointMapName({ protocol, frontend, scope: 'local' }),
    ]),
  ]),
]);

/** There is one for each timeout. */
function isStickySet(name: string): boolean {
  const seconds = Number(/\d+$/.exec(name)?.[0]);
  return protocols.some((protocol) =>
    frontends.some((frontend) => stickySetName(protocol, frontend, seconds) === name),
  );
}

/** Only names of what a service port owns, for affinity over IPv6, have slashes. */
function isOwned(name: string): boolean {
  return name.includes('/');
}
