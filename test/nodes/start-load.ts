import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { python3 } from '../support/python3.ts';

/** Clients in one network namespace that never pause. */
export interface Load {
  /** What each client saw since the last call. */
  report(): Promise<readonly LoadReport[]>;
  close(): Promise<void>;
}

/** One request after the other, each over a new connection, to the targets in turn. */
export interface Client {
  readonly targets: readonly Target[];
  /** Its own address; null for the usual one. */
  readonly source: string | null;
}

/** Address, port, and the port of the health check that says whether it is used; null for always. */
type Target = readonly [address: string, port: number, healthPort: number | null];

/** What one client saw. */
export interface LoadReport {
  readonly requests: number;
  /** `10.96.0.1: ConnectionRefusedError: ...` */
  readonly failures: readonly string[];
  /** How often each Pod answered. */
  readonly answers: Readonly<Record<string, number>>;
  /** Of how many requests a packet was sent twice, as the first one was lost. */
  readonly resent: number;
}

/** Starts clients in the network namespace at a path. */
export async function startLoad(namespace: string, clients: readonly Client[]): Promise<Load> {
  const script = fileURLToPath(new URL('load.py', import.meta.url));
  const child = execa('nsenter', [`--net=${namespace}`, python3, '-sEB', script], {
    stdin: 'pipe',
    reject: false,
    buffer: { stdout: false },
  });
  const lines = child.iterable();
  child.stdin.write(`${JSON.stringify(clients)}\n`);
  return {
    report: async () => {
      child.stdin.write('\n');
      const { value, done } = await lines.next();
      if (done) {
        throw new Error(`the clients ended too early: ${(await child).stderr}`);
      }
      return JSON.parse(String(value)) as LoadReport[];
    },
    close: async () => {
      child.stdin.end();
      await child;
    },
  };
}
