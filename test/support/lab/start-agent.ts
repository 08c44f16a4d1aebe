import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { type NftVersion, usualNft } from '../nft-versions.ts';
import { python3 } from '../python3.ts';
import { LabUnavailable } from './lab-unavailable.ts';

/** A program that acts inside a network namespace of its own, which lasts as long as the program. */
export interface Agent {
  /** By which `ip link ... netns` finds the namespace. */
  readonly processId: number;
  /** Sends one request and waits for its answer; one at a time. Throws an Error with the agent's own words. */
  request(request: AgentRequest): Promise<AgentAnswer>;
  /** Ends the program, and with it the namespace, and waits for that. */
  close(): Promise<void>;
}

/** What an agent can do; agent/main.py carries it out. */
type AgentRequest =
  | { readonly do: 'configure'; readonly sysctls: Readonly<Record<string, string>> }
  | { readonly do: 'run'; readonly command: readonly string[]; readonly input: string }
  | { readonly do: 'nft'; readonly commands: readonly NftCommand[] }
  | { readonly do: 'intercept'; readonly port: number }
  | { readonly do: 'serve'; readonly endpoints: readonly Served[] }
  | { readonly do: 'forget' }
  | { readonly do: 'await'; readonly addresses: readonly string[] }
  | { readonly do: 'probe'; readonly attempts: readonly AttemptSpec[]; readonly atOnce: number };

/** A text for nft, with flags of its command line such as `nj`. */
export interface NftCommand {
  readonly text: string;
  readonly flags?: string;
}

/** What nft printed, or why it refused the command. */
export type NftAnswer = { readonly output: string } | { readonly complaint: string };

/** An endpoint that the agent answers at; SCTP is answered everywhere. */
export interface Served {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

/** One connection: `mark` is the packet mark (0: none), `patience` the seconds of silence until it counts as dropped. */
export interface AttemptSpec extends Served {
  readonly source: string;
  readonly mark: number;
  readonly patience: number;
}

/** What became of one connection: an answer, an ICMP error as [type, code], a TCP reset, silence, or no packet at all. */
export type AttemptResult =
  | { readonly at: string; readonly saw: string; readonly from: string }
  | { readonly icmp: readonly [number, number] }
  | { readonly reset: true }
  | { readonly silent: true }
  | { readonly error: string };

/** An answer: only `probe` has results, in the order of its attempts, and `nft`, of which a complaint is the last. */
interface AgentAnswer {
  readonly nft?: readonly NftAnswer[];
  readonly results?: readonly AttemptResult[];
}

type Line = AgentAnswer & { readonly pid?: number; readonly unavailable?: string; readonly error?: string };

/** Starts an agent. Throws {@link LabUnavailable} where Python, nft, ip or the right to make a namespace is missing. */
export async function startAgent({ programs }: NftVersion = usualNft): Promise<Agent> {
  const script = fileURLToPath(new URL('agent/main.py', import.meta.url));
  // -B: no compiled files beside the sources.
  const process = execa(programs === undefined ? python3 : `${programs}/python3`, ['-sEB', script], {
    reject: false,
    buffer: { stdout: false },
    stdin: 'pipe',
  });
  const lines = process.iterable();

  async function nextLine(): Promise<Line> {
    const { value, done } = await lines.next();
    if (!done) {
      return JSON.parse(String(value)) as Line;
    }
    const { originalMessage, stderr } = await process;
    throw new Error(`the agent ended too early: ${stderr || originalMessage}`);
  }

  async function close(): Promise<void> {
    process.stdin.end();
    await process;
  }

  const { pid, unavailable } = await nextLine().catch((error: unknown) => ({
    pid: undefined,
    unavailable: `python3 does not run: ${String(error)}`,
  }));
  if (pid === undefined) {
    await close();
    throw new LabUnavailable(unavailable);
  }
  return {
    processId: pid,
    async request(request) {
      process.stdin.write(`${JSON.stringify(request)}\n`);
      const { error, ...answer } = await nextLine();
      if (error !== undefined) {
        throw new Error(error);
      }
      return answer;
    },
    close,
  };
}
