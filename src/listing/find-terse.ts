import { isDispatchChainName } from '../phases/5-plan/dispatch-chains.ts';
import { setNames } from '../phases/5-plan/names.ts';
import type { Listing, Oddity } from './listing.ts';

/**
 * What is odd about a listing in which chains wait for packets that no set sends them: `nft -t` leaves out all elements.
 * A table that was emptied may keep such chains for a while, so this is a question.
 */
export function findTerse({ ruleset }: Listing): Oddity[] {
  const { family, table, sets, chains } = ruleset;
  const frontends = sets.filter(({ name }) => frontendSets.has(name));
  const isTerse =
    chains.some(({ name }) => isDispatchChainName(name)) &&
    frontends.some(({ name }) => name === setNames.serviceIps) &&
    frontends.every(({ elements }) => elements.length === 0);
  return isTerse
    ? [
        {
          message: `table ${family} ${table}: the sets have no elements; was it listed with -t?`,
          needsRebuild: false,
        },
      ]
    : [];
}

/** One of them has an element wherever a Service is. */
const frontendSets: ReadonlySet<string> = new Set([
  setNames.serviceIps,
  setNames.serviceNodePorts,
  setNames.clusterIps,
  setNames.noEndpointServices,
  setNames.noEndpointNodePorts,
]);
