import type { ApiServer } from './api-server.js';

/** Calls a method of an API server, which may be in another process. */
export type CallServer = (
  method:
    | 'cut'
    | 'forgetHistory'
    | 'refuse'
    | 'silence'
    | 'repeat'
    | 'sendLine'
    | 'slowDown'
    | 'requireToken'
    | 'restart',
  ...args: readonly unknown[]
) => Promise<unknown>;

/** Calls an API server in this process. */
export function callHere(server: ApiServer): CallServer {
  return async (method, ...args) => {
    const { [method]: called } = server as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
    return await called?.call(server, ...args);
  };
}

/** Begins a misbehavior, a different one for each run; returns what ends it, unless it is over at once. */
type Misbehavior = (call: CallServer, run: number) => Promise<(() => Promise<unknown>) | undefined>;

/** What an API server does wrong. The server was started with version 1,000,000. */
export const misbehaviors: Readonly<Record<string, Misbehavior>> = {
  'cuts connections in the middle of an object': once((call) => call('cut')),
  'forgets its history': once(async (call) => {
    await call('cut');
    await call('forgetHistory');
  }),
  'answers with 429': refusing(429),
  'answers with 500': refusing(500),
  'answers with 410': refusing(410),
  'answers with 404': refusing(404),
  'says nothing': async (call) => {
    await call('silence', true);
    return () => call('silence', false);
  },
  'sends the last event again': once((call) => call('repeat', 'last')),
  'sends an earlier event again': once((call) => call('repeat', 'earlier')),
  'sends what is not JSON': once((call) => call('sendLine', '<html>')),
  'is slow': async (call) => {
    await call('slowDown', 5);
    return () => call('slowDown', 0);
  },
  'no longer accepts the token': async (call) => {
    await call('requireToken', 'another');
    await call('cut');
    return () => call('requireToken');
  },
  // A version that means two things, as after restoring a backup without care, misleads every client.
  'comes back with later versions': once((call, run) =>
    call('restart', { firstVersion: 2_000_000 + 1_000 * run, down: 20 }),
  ),
  'comes back with earlier versions': once((call, run) =>
    call('restart', { firstVersion: 900_000 - 1_000 * run, down: 20 }),
  ),
};

function once(act: (call: CallServer, run: number) => Promise<unknown>): Misbehavior {
  return async (call, run) => {
    await act(call, run);
    return undefined;
  };
}

function refusing(status: number): Misbehavior {
  return async (call) => {
    await call('refuse', { status });
    await call('cut');
    return () => call('refuse');
  };
}
