import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect } from 'vitest';
import { python3 } from '../../support/python3.ts';

/** One client that never pauses: packets of one connection, or one new connection after the other. */
export interface Lane {
  readonly kind: 'udp flow' | 'tcp flow' | 'new udp' | 'new tcp';
  readonly source: string;
  readonly address: string;
  readonly port: number;
}

/** What a lane saw since the report before. */
export interface LaneReport {
  readonly answers: number;
  /** Who answered, as `address:port`, sorted. */
  readonly endpoints: readonly string[];
  /** What happened to packets that were lost or refused. */
  readonly losses: readonly string[];
}

/** Clients at work. */
export interface Stream {
  /**
   * Waits until every lane has at least so many results since the last report, and tells what they were, lane by lane.
   * Everything in it was sent after the last report.
   */
  report(atLeast: number): Promise<LaneReport[]>;
  close(): Promise<void>;
}

/** Endpoints of clients that never pause must have this port: the laboratory's own servers wait for pauses. */
export const streamPort = 7777;

/** After the laboratory's own rules, so that these hand the packets over. */
const streamRules = `table inet stream {
  chain prerouting {
    type filter hook prerouting priority -140
    meta l4proto tcp th dport ${streamPort} tproxy to :8 accept
    meta l4proto udp th dport ${streamPort} tproxy to :8 accept
  }
}
`;

/** Starts clients in the world of a laboratory, and the servers of their endpoints. */
export async function startStream(worldProcessId: number, lanes: readonly Lane[]): Promise<Stream> {
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  const inWorld = [`--net=/proc/${worldProcessId}/ns/net`];
  await execa('nsenter', [...inWorld, 'nft', '-f', '-'], { env, input: streamRules });
  const script = fileURLToPath(new URL('stream.py', import.meta.url));
  const clients = execa('nsenter', [...inWorld, python3, '-sEB', script], {
    env,
    reject: false,
    buffer: { stdout: false },
    stdin: 'pipe',
  });
  const lines = clients.iterable();
  clients.stdin.write(`${JSON.stringify(lanes)}\n`);
  return {
    report: async (atLeast) => {
      clients.stdin.write(`${atLeast}\n`);
      const { value, done } = await lines.next();
      if (done) {
        throw new Error(`the clients ended too early: ${(await clients).stderr}`);
      }
      return JSON.parse(String(value)) as LaneReport[];
    },
    close: async () => {
      clients.stdin.end();
      await clients;
    },
  };
}

/** Nothing is lost, and who has a connection stays with the endpoint of the first report. */
export function expectNoLoss(
  lanes: readonly Lane[],
  reports: readonly LaneReport[],
  atFirst: readonly LaneReport[],
): void {
  for (const [index, { losses, endpoints }] of reports.entries()) {
    const lane = lanes[index];
    const wanted = lane?.kind.startsWith('new') ? expect.anything() : atFirst[index]?.endpoints;
    expect({ lane, losses, endpoints }).toEqual({ lane, losses: [], endpoints: wanted });
  }
}
