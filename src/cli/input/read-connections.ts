import {
  type CountedReading,
  endpointMapsOf,
  frontendMapNames,
  type SelectService,
} from '../../frontends/count-connections.ts';
import { isNftError, type NftError } from '../../kernel/nft-error.ts';
import { readCountedMaps } from '../../kernel/read-counted-maps.ts';
import type { TableName } from '../../nft/listed-table.ts';
import { knownNames } from '../../phases/5-plan/names.ts';
import type { Context } from '../context.ts';

/** What to read. */
export interface ConnectionsRequest {
  readonly tables: readonly TableName[];
  /** The Services whose endpoints are read as well; undefined for no endpoints. */
  readonly endpointsOf: SelectService | undefined;
  readonly signal?: AbortSignal;
}

/** The maps as they are now; none if there is no table. */
export async function readConnections(
  { tables, endpointsOf, signal }: ConnectionsRequest,
  { run, now }: Pick<Context, 'run' | 'now'>,
): Promise<CountedReading[] | NftError> {
  const readings: CountedReading[] = [];
  const readMaps = (table: TableName, names: readonly string[]): Promise<CountedReading[] | NftError> =>
    readCountedMaps(run, table, names, { knownNames, now, ...(signal && { signal }) });
  for (const table of tables) {
    const frontends = await readMaps(table, frontendMapNames);
    if (isNftError(frontends)) {
      return frontends;
    }
    readings.push(...frontends);
    const maps = frontends.map(({ map }) => map);
    const endpoints = endpointsOf ? await readMaps(table, endpointMapsOf(maps, endpointsOf)) : [];
    if (isNftError(endpoints)) {
      return endpoints;
    }
    readings.push(...endpoints);
  }
  return readings;
}
