import type { ServiceProxy } from '../apply/create-service-proxy.ts';
import type { BindAddress } from '../config/bind-address.ts';
import { type OpenServer, openHttpServer, type ServerOpener, type ServerOptions } from '../health/http-server.ts';
import type { Observe } from '../health/observation.ts';
import { createProxyHealth } from '../health/proxy-health.ts';
import { createServiceHealth, type PortFailure, type ServiceHealth } from '../health/service-health.ts';
import { type Family, nameOfFamily } from '../net/network.ts';
import { type AgentTools, createRetry } from './create-syncer.ts';

/** What is served, and where. */
export interface HealthOptions extends Omit<AgentTools, 'observe'> {
  readonly families: readonly Family[];
  readonly proxy: Pick<ServiceProxy, 'nodeSettings'>;
  /** Where `/healthz` and `/livez` are; undefined for nowhere. */
  readonly healthz: BindAddress | undefined;
  /** In milliseconds, how soon a failed sync is tried again. */
  readonly syncPeriod: number;
  readonly wallClock: () => Date;
  /** Receives each failure to open a port for health checks, for Events. */
  readonly onPortFailure?: ((failure: PortFailure) => void) | undefined;
  /** Default: real servers. */
  readonly open?: ServerOpener;
}

/** The servers that tell of the health of an agent. */
export interface HealthServers {
  readonly observe: Observe;
  /** Frees all ports. */
  close(): void;
}

/** In milliseconds: a port that another program has is tried again after so long. */
const retryDelays = { proxy: 5_000, service: 10_000 };

/**
 * Serves the health of the proxy, and that of Services at their health check ports once the kernel holds their rules. Nothing waits
 * for a port, and one that cannot be opened is tried again until the signal is aborted.
 */
export function serveHealth(options: HealthOptions): HealthServers {
  const { families, proxy, healthz, open = openHttpServer } = options;
  const health = createProxyHealth(options);
  const services = serveServices(options, health.isHealthy);
  const server =
    healthz && openPatiently({ ...healthz, respond: ({ path }) => health.respond(path) }, { ...options, open });
  return {
    observe: (observation) => {
      health.observe(observation);
      const areInSync = observation.kind === 'sync-done' && observation.families?.every(({ isInSync }) => isInSync);
      if (areInSync) {
        for (const { family, nodePortAddresses } of proxy.nodeSettings()) {
          services.get(family)?.sync(observation.healthChecks, nodePortAddresses);
        }
      }
    },
    close: () => {
      server?.close();
      for (const family of families) {
        services.get(family)?.close();
      }
    },
  };
}

function serveServices(options: HealthOptions, isHealthy: () => boolean): ReadonlyMap<Family, ServiceHealth> {
  const { families, log, onPortFailure, open = openHttpServer } = options;
  const retryAfter = createRetry(() => {
    for (const service of services.values()) {
      service.retry();
    }
  }, options);
  const describe = ({ namespace, name, family, port }: Omit<PortFailure, 'reason'>) => ({
    service: `${namespace}/${name}`,
    family: nameOfFamily(family),
    port,
  });
  const onFailure = (failure: PortFailure): void => {
    if (failure.attempts === 1) {
      log('warn', 'the port for health checks of a Service cannot be opened; trying again', {
        ...describe(failure),
        reason: failure.reason,
      });
    }
    onPortFailure?.(failure);
    retryAfter(retryDelays.service);
  };
  const onRecovery = (port: Omit<PortFailure, 'reason'>): void => {
    log('info', 'the port for health checks of a Service is open', { ...describe(port), attempts: port.attempts });
  };
  const services = new Map(
    families.map((family) => [family, createServiceHealth({ family, open, isHealthy, onFailure, onRecovery })]),
  );
  return services;
}

/** Opens a server as soon as its port can be had. */
function openPatiently(options: ServerOptions, tools: OpenTools): { close(): void } {
  let server: OpenServer | undefined;
  let isClosed = false;
  const keep = (opened: OpenServer | undefined): void => {
    server = opened;
    if (isClosed) {
      server?.close();
    }
  };
  void tryToOpen(options, tools).then(keep);
  return {
    close: () => {
      isClosed = true;
      server?.close();
    },
  };
}

interface OpenTools extends Pick<AgentTools, 'log' | 'wait' | 'signal'> {
  readonly open: ServerOpener;
}

/** Undefined when the signal is aborted before. */
async function tryToOpen(
  options: ServerOptions,
  { open, log, wait, signal }: OpenTools,
): Promise<OpenServer | undefined> {
  const { port } = options;
  for (let attempts = 1; !signal.aborted; attempts += 1) {
    const opened = await open(options).catch((error: Error) => error);
    if (!(opened instanceof Error)) {
      if (attempts > 1) {
        log('info', 'the port of a server is open', { port, attempts });
      }
      return opened;
    }
    if (attempts === 1) {
      log('warn', 'the port of a server cannot be opened; trying again', { port, reason: opened.message });
    }
    await wait(retryDelays.proxy, signal).catch(() => undefined);
  }
  return undefined;
}
