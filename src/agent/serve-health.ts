import { networkInterfaces } from 'node:os';
import type { ServiceProxy } from '../apply/create-service-proxy.ts';
import type { BindAddress } from '../config/bind-address.ts';
import { type HttpAnswer, openHttpServer, type ServerOpener } from '../health/http-server.ts';
import type { Observe } from '../health/observation.ts';
import { createProxyHealth } from '../health/proxy-health.ts';
import { createServiceHealth, type PortFailure, type ServiceHealth } from '../health/service-health.ts';
import { cidrContains, isLoopback, parseCidr } from '../net/address.ts';
import { type Family, nameOfFamily } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import { type AgentTools, createRetry } from './create-syncer.ts';
import { type AgentServer, type OpenPolicy, openPatiently } from './open-patiently.ts';

/** What is served, and where. */
export interface HealthOptions extends Omit<AgentTools, 'observe'>, OpenPolicy {
  readonly families: readonly Family[];
  readonly compile: Pick<CompileOptions, 'nodePortAddresses'>;
  readonly proxy: Pick<ServiceProxy, 'nodeSettings'>;
  /** Where `/healthz` and `/livez` are; undefined for nowhere. */
  readonly healthz: BindAddress | undefined;
  /** In milliseconds, how soon a failed sync is tried again. */
  readonly syncPeriod: number;
  readonly wallClock: () => Date;
  /** Hears of answers, and of ports that cannot be opened. */
  readonly observe?: Observe;
  /** Default: real servers. */
  readonly open?: ServerOpener;
  /** The loopback addresses of this machine. Default: those of its interfaces. */
  readonly loopback?: readonly string[];
}

/** In milliseconds: the port of a Service that another program has is tried again after so long. */
const retryDelay = 10_000;

/**
 * Serves the health of the proxy, and that of Services at their health check ports once the kernel holds their rules. Nothing waits
 * for a port, and one that cannot be opened is tried again until the signal is aborted.
 */
export function serveHealth(options: HealthOptions): AgentServer {
  const { families, proxy, healthz, open = openHttpServer } = options;
  const health = createProxyHealth(options);
  const services = serveServices(options, health.isHealthy);
  const respond = (path: string): HttpAnswer => {
    const answer = health.respond(path);
    if (path === '/healthz' || path === '/livez') {
      options.observe?.({ kind: 'probed', path: path === '/livez' ? 'livez' : 'healthz', status: answer.status });
    }
    return answer;
  };
  const server = healthz && openPatiently({ ...healthz, respond: ({ path }) => respond(path) }, { ...options, open });
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
  const { families, compile, log, open = openHttpServer, loopback = loopbackAddresses() } = options;
  const named = loopback.filter((address) => isNamed(address, compile));
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
    options.observe?.({ kind: 'port-failed', failure });
    retryAfter(retryDelay);
  };
  const onRecovery = (port: Omit<PortFailure, 'reason'>): void => {
    log('info', 'the port for health checks of a Service is open', { ...describe(port), attempts: port.attempts });
  };
  const services = new Map(
    families.map((family) => {
      const ofFamily = named.filter((address) => address.includes(':') === (family === 'ip6'));
      return [family, createServiceHealth({ family, open, loopback: ofFamily, isHealthy, onFailure, onRecovery })];
    }),
  );
  return services;
}

function loopbackAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((some = []) => some.map(({ address }) => address));
  return addresses.filter(isLoopback);
}

/** Whether nodePortAddresses names a loopback address. */
function isNamed(address: string, { nodePortAddresses }: HealthOptions['compile']): boolean {
  return nodePortAddresses.some((entry) => {
    const cidr = parseCidr(entry);
    return entry === 'localhost' || (cidr !== undefined && cidrContains(cidr, address));
  });
}
