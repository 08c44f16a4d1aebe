import type { LocalhostPort, LocalhostTarget } from '../engine/localhost-ports.ts';
import type { PortFailure } from '../health/service-health.ts';
import { type EndpointAddress, endpointText, type Family } from '../net/network.ts';
import type { OpenRelay, RelayOpener } from './open-relay.ts';

/** Serves node ports of TCP at loopback addresses. */
export interface RelayPorts {
  /** Takes ports that have changed, or may have. */
  sync(changes: readonly LocalhostPort[]): void;
  /** Tries the ports again that could not be opened. */
  retry(): void;
  /** Frees all ports, and ends their connections. Later changes open none. */
  close(): void;
}

/** What serving takes. */
export interface RelayPortsOptions {
  readonly open: RelayOpener;
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Receives each failure of a port, which is not tried again before somebody calls `retry`. */
  readonly onFailure: (failure: PortFailure) => void;
  /** Receives each port that could not be opened at first, and is open now. */
  readonly onRecovery: (port: Omit<PortFailure, 'reason'>) => void;
  /** Receives how many ports of a family are open, when that changes. */
  readonly onCount: (family: Family, count: number) => void;
}

interface RelayedPort {
  readonly family: Family;
  readonly port: number;
  target: LocalhostTarget;
  state: 'opening' | 'open' | 'failed' | 'closed';
  relay: OpenRelay | undefined;
  attempts: number;
  /** With ClientIP affinity: all clients have one address, so they share an endpoint. */
  pin: { readonly endpoint: string; readonly until: number } | undefined;
}

/** How many connections there are at most, over all ports: each takes two file descriptors. */
const mostConnections = 2_000;

/**
 * A relay for each node port that has endpoints, at 127.0.0.1 or ::1, none at first. As in kube-proxy, a connection goes to an
 * endpoint at random, and ends when the port loses its Service or all endpoints, but not when its endpoint is replaced.
 */
export function createRelayPorts(options: RelayPortsOptions): RelayPorts {
  const ports = new Map<string, RelayedPort>();
  let isClosed = false;
  const room = { left: mostConnections };
  const counts = new Map<Family, number>();
  const count = (family: Family, change: 1 | -1): void => {
    const open = (counts.get(family) ?? 0) + change;
    counts.set(family, open);
    options.onCount(family, open);
  };
  const openPort = (port: RelayedPort): void => void tryToOpen(port, { ...options, room, count });
  const closePort = (key: string, port: RelayedPort): void => {
    ports.delete(key);
    port.state = 'closed';
    if (port.relay) {
      port.relay.close();
      port.relay = undefined;
      count(port.family, -1);
    }
  };
  const update = ({ family, port, target }: LocalhostPort): void => {
    const key = `${family} ${port}`;
    const known = ports.get(key);
    if (known && (!target || !isSameService(known.target, target))) {
      closePort(key, known);
    }
    const kept = ports.get(key);
    if (kept && target) {
      kept.target = target;
    } else if (target) {
      const opening: RelayedPort = {
        ...{ family, port, target },
        ...{ state: 'opening', relay: undefined, attempts: 0, pin: undefined },
      };
      ports.set(key, opening);
      openPort(opening);
    }
  };
  return {
    sync: (changes) => {
      // A sync may end after the agent has closed its servers, and an open port would keep the agent from ending.
      for (const change of isClosed ? [] : changes) {
        update(change);
      }
    },
    retry: () => {
      for (const port of ports.values()) {
        if (port.state === 'failed') {
          openPort(port);
        }
      }
    },
    close: () => {
      isClosed = true;
      for (const [key, port] of ports) {
        closePort(key, port);
      }
    },
  };
}

function isSameService(a: LocalhostTarget, b: LocalhostTarget): boolean {
  return a.namespace === b.namespace && a.name === b.name && a.portName === b.portName;
}

interface OpenOptions extends RelayPortsOptions {
  readonly room: { left: number };
  readonly count: (family: Family, change: 1 | -1) => void;
}

async function tryToOpen(port: RelayedPort, options: OpenOptions): Promise<void> {
  const { open, room, count, onFailure, onRecovery } = options;
  const { family, port: number } = port;
  port.state = 'opening';
  port.attempts += 1;
  const address = family === 'ip' ? '127.0.0.1' : '::1';
  const pick = (): EndpointAddress | undefined => pickEndpoint(port, options);
  const opened = await open({ address, port: number, pick, room }).catch((error: unknown) => describeError(error));
  const { namespace, name } = port.target;
  const report = { namespace, name, family, port: number, attempts: port.attempts };
  // It may have been closed meanwhile.
  if ((port as RelayedPort).state !== 'opening') {
    if (typeof opened !== 'string') {
      opened.close();
    }
  } else if (typeof opened === 'string') {
    port.state = 'failed';
    onFailure({ ...report, reason: opened });
  } else {
    port.state = 'open';
    port.relay = opened;
    count(family, 1);
    if (port.attempts > 1) {
      onRecovery(report);
    }
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** At random; with affinity, for its time after the last connection, the one before, as long as it is there. */
function pickEndpoint(
  port: RelayedPort,
  { now, random }: Pick<RelayPortsOptions, 'now' | 'random'>,
): EndpointAddress | undefined {
  const { endpoints, affinitySeconds } = port.target;
  const { pin } = port;
  const time = now();
  const pinned =
    affinitySeconds > 0 && pin && time < pin.until
      ? endpoints.find((endpoint) => endpointText(endpoint) === pin.endpoint)
      : undefined;
  const picked = pinned ?? endpoints[Math.floor(random() * endpoints.length)];
  port.pin =
    affinitySeconds > 0 && picked
      ? { endpoint: endpointText(picked), until: time + affinitySeconds * 1_000 }
      : undefined;
  return picked;
}
