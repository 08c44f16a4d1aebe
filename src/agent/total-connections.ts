import { createConnectionMeter, frontendMapNames } from '../frontends/count-connections.ts';
import { isNftError } from '../kernel/nft-error.ts';
import { readCountedMaps } from '../kernel/read-counted-maps.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { ConnectionTotal } from '../metrics/metrics-tools.ts';
import type { CompileOptions } from '../options.ts';
import { knownNames } from '../phases/5-plan/names.ts';

/** What counts connections. */
export interface TotalConnectionsOptions {
  readonly compile: Pick<CompileOptions, 'families' | 'table'>;
  /** Runs nft beside the one that carries out changes, which never waits for this one. */
  readonly run: RunProgram;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** In milliseconds: who asks sooner gets what was read before. */
const shortestInterval = 5_000;

/** In milliseconds. Who asks waits no longer, as kube-proxy does for its own counters. */
const longestRead = 2_000;

/**
 * How many connections each service port has had since the first reading, which is made when somebody asks. Totals never go
 * back while a Service has endpoints, although counters in the kernel start again. What cannot be read stays as it was.
 */
export function totalConnections(options: TotalConnectionsOptions): () => Promise<readonly ConnectionTotal[]> {
  const { compile, run, now, signal } = options;
  const meter = createConnectionMeter();
  let totals = new Map<string, ConnectionTotal>();
  let last: { readonly at: number; readonly reading: Promise<void> } | undefined;
  const read = async (): Promise<void> => {
    const found = await Promise.all(
      compile.families.map((family) =>
        readCountedMaps(run, { family, table: compile.table }, frontendMapNames, {
          knownNames,
          now,
          signal,
          longest: longestRead,
        }),
      ),
    );
    const failed = found.some(isNftError);
    if (failed) {
      return;
    }
    const counts = meter.measure(found.flatMap((maps) => (isNftError(maps) ? [] : maps)));
    const next = new Map<string, ConnectionTotal>();
    for (const { namespace, service, portName, protocol, added, perSecond } of counts) {
      const key = `${namespace}/${service}:${portName} ${protocol}`;
      // The first reading may follow one of an agent before, and would count all of that again.
      const more = perSecond === null ? 0 : added;
      next.set(key, { namespace, service, portName, protocol, total: (totals.get(key)?.total ?? 0) + more });
    }
    totals = next;
  };
  return async () => {
    if (!last || now() - last.at >= shortestInterval) {
      last = { at: now(), reading: read() };
    }
    await last.reading;
    return [...totals.values()];
  };
}
