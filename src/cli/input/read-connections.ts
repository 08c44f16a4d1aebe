import {
  type CountedReading,
  endpointMapsOf,
  frontendMapNames,
  type SelectService,
} from '../../frontends/count-connections.ts';
import { isNftError, type NftError } from '../../kernel/nft-error.ts';
import { readCountedMap } from '../../kernel/read-counted-map.ts';
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
  const readMaps = async (table: TableName, names: readonly string[]): Promise<NftError | undefined> => {
    const found = await Promise.all(
      names.map(async (map) => {
        const result = await readCountedMap(run, table, { map, knownNames }, signal ? { signal } : {});
        return { result, at: now() };
      }),
    );
    for (const { result, at } of found) {
      if (isNftError(result)) {
        return result;
      }
      if (result) {
        readings.push({ family: table.family, at, map: result });
      }
    }
    return undefined;
  };
  for (const table of tables) {
    const error = await readMaps(table, frontendMapNames);
    if (error) {
      return error;
    }
    const frontends = readings.filter(({ family }) => family === table.family).map(({ map }) => map);
    const endpointError = endpointsOf && (await readMaps(table, endpointMapsOf(frontends, endpointsOf)));
    if (endpointError) {
      return endpointError;
    }
  }
  return readings;
}
