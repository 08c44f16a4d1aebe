import type { PortFailure } from '../health/service-health.ts';
import { nameOfFamily } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import { openRelay, type RelayOpener } from '../relay/open-relay.ts';
import { createRelayPorts } from '../relay/relay-ports.ts';
import { type AgentTools, createRetry } from './create-syncer.ts';
import type { AgentServer } from './open-patiently.ts';

/** Whether node ports are served at loopback addresses, and with what. */
export interface LocalhostOptions extends AgentTools {
  readonly compile: Pick<CompileOptions, 'localhostNodePorts'>;
  /** Default: real sockets. */
  readonly relay?: RelayOpener;
}

/** In milliseconds: a port that another program has is tried again after so long. */
const retryDelay = 10_000;

/**
 * Serves node ports of TCP at 127.0.0.1 and ::1, once the kernel holds the rules, where the feature gate and nodePortAddresses ask for
 * it. Nothing waits for a port, and one that cannot be opened is tried again until the signal is aborted.
 */
export function serveLocalhost(options: LocalhostOptions): AgentServer {
  const { compile, log, observe, now, random, relay: open = openRelay } = options;
  if (!compile.localhostNodePorts) {
    return { observe: () => undefined, close: () => undefined };
  }
  const retryAfter = createRetry(() => ports.retry(), options);
  const ports = createRelayPorts({
    ...{ open, now, random },
    onFailure: (failure) => {
      if (failure.attempts === 1) {
        const { reason } = failure;
        log('warn', 'a node port cannot be opened at a loopback address; trying again', { ...place(failure), reason });
      }
      observe({ kind: 'localhost-port-failed', failure });
      retryAfter(retryDelay);
    },
    onRecovery: (port) => {
      log('info', 'a node port is open at a loopback address', { ...place(port), attempts: port.attempts });
    },
    onCount: (family, count) => observe({ kind: 'localhost-ports-open', family, count }),
  });
  return {
    observe: (observation) => {
      if (observation.kind === 'sync-done') {
        ports.sync(observation.localhostPorts);
      }
    },
    close: ports.close,
  };
}

function place({ namespace, name, family, port }: Omit<PortFailure, 'reason'>) {
  return { service: `${namespace}/${name}`, family: nameOfFamily(family), port };
}
