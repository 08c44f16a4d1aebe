import { fileURLToPath } from 'node:url';
import { runShortly, type StartedProcess, startProcess } from '../kernel/start-process.ts';
import { type Channel, openChannel } from './open-channel.ts';

/** A process of a lab in namespaces of its own: of the network, of mounts, and of the name of the machine. */
export interface LabProcess {
  readonly pid: number;
  readonly ask: Channel['ask'];
  readonly isRunning: () => boolean;
  /** Ends it at once, and with it its namespaces. */
  kill(): Promise<void>;
}

/** What such a process does: `lab-node.ts` or `lab-pod.ts`. */
export type LabRole = 'lab-node' | 'lab-pod';

/** The file of a process, beside this one: both are bundled into one folder. */
export function labProgram(name: LabRole | 'lab-supervisor'): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

/** Its mounts follow those of the machine, so that nothing there stays in use. */
export const ownMounts: readonly string[] = ['--mount', '--propagation', 'slave'];

/** Starts one, and waits until its network namespace can get interfaces. @throws Error if it cannot start. */
export async function startLabProcess(role: LabRole): Promise<LabProcess> {
  const program = [process.execPath, '--max-old-space-size=256', labProgram(role)];
  const started = await startProcess('unshare', ['--net', '--uts', ...ownMounts, '--', ...program]);
  const { pid, ended, kill } = started;
  let isRunning = true;
  void ended.then(() => {
    isRunning = false;
  });
  const { ask } = openProcessChannel(started);
  await ask('hello');
  return {
    pid,
    ask,
    isRunning: () => isRunning,
    kill: () => {
      kill();
      return ended;
    },
  };
}

function openProcessChannel({ stdin, stdout }: StartedProcess): Channel {
  return openChannel({ input: stdout, output: stdin });
}

/** Runs `ip` with these lines, all or none of them, in the network namespace of a process; without one in that of this process. */
export async function runIp(lines: readonly string[], processId?: number): Promise<void> {
  if (lines.length === 0) {
    return;
  }
  const inside = processId === undefined ? [] : ['nsenter', `--net=/proc/${processId}/ns/net`];
  const [program = '', ...args] = [...inside, 'ip', '-batch', '-'];
  await mustRun(program, args, `${lines.join('\n')}\n`);
}

/** Runs a program to its end. @throws Error with what it says if it fails. */
export async function mustRun(program: string, args: readonly string[], input = ''): Promise<void> {
  const { exitCode, stderr } = await runShortly(program, args, input);
  if (exitCode !== 0) {
    throw new Error(`${[program, ...args].join(' ')}: ${stderr.trim() || `exit code ${exitCode}`}`);
  }
}
