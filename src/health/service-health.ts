import type { HealthCheck } from '../engine/health-checks.ts';
import type { Family } from '../net/network.ts';
import type { NodePortAddresses } from '../phases/3-model/model.ts';
import type { HttpAnswer, OpenServer, ServerOpener } from './http-server.ts';

/** A port for the health checks of a Service that could not be opened, for now. */
export interface PortFailure {
  readonly namespace: string;
  readonly name: string;
  readonly family: Family;
  readonly port: number;
  /** `0.0.0.0:31000: another socket uses it` */
  readonly reason: string;
  /** How often it was tried, this time included. */
  readonly attempts: number;
}

/** Answers the health checks of load balancers, over one family. */
export interface ServiceHealth {
  /** Takes health checks that have changed, and the addresses where node ports are open now. */
  sync(changes: readonly HealthCheck[], addresses: NodePortAddresses): void;
  /** Tries the ports again that could not be opened. */
  retry(): void;
  /** Frees all ports; what is told afterwards opens none. */
  close(): void;
}

/** What answering takes. */
export interface ServiceHealthOptions {
  readonly family: Family;
  readonly open: ServerOpener;
  /** Loopback addresses that nodePortAddresses names, of this family; rules do not serve them, but kube-proxy listens there, too. */
  readonly loopback: readonly string[];
  /** Whether the kernel holds the rules that Services need now. */
  readonly isHealthy: () => boolean;
  /** Receives each failure of a port, which is not tried again before somebody calls `retry`, or a port becomes free. */
  readonly onFailure: (failure: PortFailure) => void;
  /** Receives each port that could not be opened at first, and is open now. */
  readonly onRecovery: (port: Omit<PortFailure, 'reason'>) => void;
}

/** The port of one Service. */
interface HealthPort {
  /** As it was told last. */
  check: HealthCheck;
  state: 'opening' | 'open' | 'failed' | 'closed';
  servers: readonly OpenServer[];
  attempts: number;
}

/**
 * The HTTP servers at the health check ports of Services (spec.healthCheckNodePort), none at first: one server for each address
 * where node ports are open. They answer any request, as kube-proxy does.
 */
export function createServiceHealth(options: ServiceHealthOptions): ServiceHealth {
  const { family } = options;
  /** By Service, `namespace/name`. */
  const ports = new Map<string, HealthPort>();
  let addresses: NodePortAddresses = { kind: 'listed', addresses: [] };
  let isClosed = false;

  const numberOf = (check: HealthCheck): number => (check.localEndpoints[family] === undefined ? 0 : check.port);
  const open = (port: HealthPort): void => {
    const isHolder = (other: HealthPort): boolean => other.state === 'open' && other.check.port === port.check.port;
    const findHolder = (): string | undefined => {
      const holder = [...ports.values()].find(isHolder);
      return holder && keyOf(holder.check);
    };
    void openPort(port, { ...options, addresses, findHolder });
  };
  const closeStale = (key: string, check: HealthCheck, isMoved: boolean): boolean => {
    const port = ports.get(key);
    if (!port || (!isMoved && numberOf(port.check) === numberOf(check))) {
      return false;
    }
    closePort(port);
    return ports.delete(key);
  };
  const update = (key: string, check: HealthCheck): void => {
    const port = ports.get(key);
    if (port) {
      port.check = check;
    } else if (numberOf(check) > 0) {
      const opening: HealthPort = { check, state: 'opening', servers: [], attempts: 0 };
      ports.set(key, opening);
      open(opening);
    }
  };
  const retry = (): void => {
    for (const port of ports.values()) {
      if (port.state === 'failed') {
        open(port);
      }
    }
  };
  return {
    sync: (changes, newAddresses) => {
      if (isClosed) {
        return;
      }
      const areMoved = addressText(newAddresses) !== addressText(addresses);
      addresses = newAddresses;
      const known = areMoved ? [...ports.values()].map(({ check }) => check) : [];
      const checks = new Map([...known, ...changes].map((check) => [keyOf(check), check]));
      // Before others are opened, because a port may go from one Service to another.
      const freed = [...checks].filter(([key, check]) => closeStale(key, check, areMoved));
      for (const [key, check] of checks) {
        update(key, check);
      }
      if (freed.length > 0) {
        retry();
      }
    },
    retry,
    close: () => {
      isClosed = true;
      for (const port of ports.values()) {
        closePort(port);
      }
      ports.clear();
    },
  };
}

function keyOf({ namespace, name }: HealthCheck): string {
  return `${namespace}/${name}`;
}

function addressText(addresses: NodePortAddresses): string {
  return addresses.kind === 'all' ? 'all' : addresses.addresses.join();
}

interface OpenOptions extends ServiceHealthOptions {
  readonly addresses: NodePortAddresses;
  /** The Service whose health checks have the same port. */
  readonly findHolder: () => string | undefined;
}

async function openPort(port: HealthPort, options: OpenOptions): Promise<void> {
  const { family, findHolder, onFailure, onRecovery } = options;
  const { namespace, name, port: number } = port.check;
  port.state = 'opening';
  port.attempts += 1;
  const report = { namespace, name, family, port: number, attempts: port.attempts };
  const opened = await openAll(port, options);
  // It may have been closed meanwhile.
  if ((port as HealthPort).state !== 'opening') {
    closeAll('servers' in opened ? opened.servers : []);
  } else if ('reason' in opened) {
    port.state = 'failed';
    const holder = findHolder();
    onFailure({ ...report, reason: holder ? `the health checks of Service ${holder} use it` : opened.reason });
  } else {
    port.state = 'open';
    port.servers = opened.servers;
    if (port.attempts > 1) {
      onRecovery(report);
    }
  }
}

/** Opens a port at all addresses, or else at none. */
async function openAll(
  port: HealthPort,
  { addresses, family, loopback, open, isHealthy }: OpenOptions,
): Promise<{ readonly servers: readonly OpenServer[] } | { readonly reason: string }> {
  const servers: OpenServer[] = [];
  const respond = (): HttpAnswer => describeHealth(port.check, family, isHealthy());
  try {
    for (const address of listenAt(addresses, family, loopback)) {
      servers.push(await open({ address, port: port.check.port, ipv6Only: true, respond }));
    }
    return { servers };
  } catch (error) {
    closeAll(servers);
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function closeAll(servers: readonly OpenServer[]): void {
  for (const server of servers) {
    server.close();
  }
}

function closePort(port: HealthPort): void {
  closeAll(port.servers);
  port.state = 'closed';
  port.servers = [];
}

function listenAt(addresses: NodePortAddresses, family: Family, loopback: readonly string[]): readonly string[] {
  const wildcard = family === 'ip' ? '0.0.0.0' : '::';
  return addresses.kind === 'all' ? [wildcard] : [...addresses.addresses, ...loopback];
}

/**
 * The answer to a health check, byte for byte that of kube-proxy: 200 for a load balancer that may send traffic here. The weight
 * lets it send more to nodes with more endpoints.
 */
function describeHealth(
  { namespace, name, localEndpoints }: HealthCheck,
  family: Family,
  isHealthy: boolean,
): HttpAnswer {
  const count = localEndpoints[family] ?? 0;
  const body = { service: { namespace, name }, localEndpoints: count, serviceProxyHealthy: isHealthy };
  return {
    status: count > 0 && isHealthy ? 200 : 503,
    headers: {
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      'X-Load-Balancing-Endpoint-Weight': `${count}`,
    },
    body: JSON.stringify(body, undefined, '\t'),
  };
}
