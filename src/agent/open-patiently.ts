import type { OpenServer, ServerOpener, ServerOptions } from '../health/http-server.ts';
import type { Observe } from '../health/observation.ts';
import type { AgentTools } from './create-syncer.ts';

/** A server that tells of what it observes. */
export interface AgentServer {
  readonly observe: Observe;
  /** Frees its ports. */
  close(): void;
}

/** In milliseconds: a port that another program has is tried again after so long. */
const retryDelay = 5_000;

/** Opens a server as soon as its port can be had. */
export function openPatiently(options: ServerOptions, tools: OpenTools): { close(): void } {
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

/** What becomes of a port that cannot be opened. */
export interface OpenPolicy {
  /** Called in place of trying again (bindAddressHardFail of kube-proxy). */
  readonly onHardFailure?: (() => void) | undefined;
}

interface OpenTools extends Pick<AgentTools, 'log' | 'wait' | 'signal'>, OpenPolicy {
  readonly open: ServerOpener;
}

/** Undefined when the signal is aborted before, or a failure counts. */
async function tryToOpen(
  options: ServerOptions,
  { open, log, wait, signal, onHardFailure }: OpenTools,
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
    if (onHardFailure) {
      log('error', 'the port of a server cannot be opened', { port, reason: opened.message });
      onHardFailure();
      return undefined;
    }
    if (attempts === 1) {
      log('warn', 'the port of a server cannot be opened; trying again', { port, reason: opened.message });
    }
    await wait(retryDelay, signal).catch(() => undefined);
  }
  return undefined;
}
