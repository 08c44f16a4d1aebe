import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startDetached } from '../kernel/start-process.ts';
import { isMapping } from '../lib/unknown-values.ts';
import { labProgram, ownMounts } from './lab-process.ts';
import { type Channel, openChannel } from './open-channel.ts';

/** What is known of a lab outside of it: a folder with a socket, and the process that everything ends with. */
export interface LabFolder {
  readonly name: string;
  readonly path: string;
}

/** Where the folders of labs are; only root can read them. */
const labRoot = '/run/svc2nft/lab';

/** The name of a lab that is not named. */
export const defaultName = 'lab';

/** `lab blue`, in messages; `the lab` if it has the default name. */
export function describeLabName(name: string): string {
  return name === defaultName ? 'the lab' : `lab ${name}`;
}

/** The command that ends a lab. */
export function downCommand(name: string): string {
  return name === defaultName ? 'svc2nft lab down' : `svc2nft lab down --name ${name}`;
}

/** The folder of a lab, there or not. @param name one that {@link isLabName} accepts. */
export function labFolder(name: string): LabFolder {
  return { name, path: join(labRoot, name) };
}

/** Whether a text can name a lab, and so a folder. */
export function isLabName(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/.test(text);
}

/** The labs that have a folder. */
export function listLabs(): LabFolder[] {
  const names = existsSync(labRoot) ? readdirSync(labRoot).filter(isLabName).sort() : [];
  return names.map(labFolder);
}

/** A process, and when it was started, so that another one with its number is not taken for it. */
interface KnownProcess {
  readonly pid: number;
  readonly startTime: string;
}

/**
 * Starts the processes of a lab that has nothing in it yet.
 *
 * @returns how to ask it.
 * @throws Error when there is such a lab, or it cannot be started.
 */
export async function startLab(folder: LabFolder): Promise<Channel> {
  const { path } = folder;
  mkdirSync(join(path, '../..'), { recursive: true });
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  createFolder(folder);
  const log = openSync(join(path, 'log'), 'w', 0o600);
  const namespaces = ['--pid', '--fork', '--kill-child', '--mount-proc', '--net', '--uts', '--ipc', ...ownMounts];
  const program = [process.execPath, labProgram('lab-supervisor'), path];
  const { pid, ended } = await startDetached('unshare', [...namespaces, '--', ...program], log);
  closeSync(log);
  writeProcess(path, pid);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (;;) {
    const channel = await openSocket(path);
    if (channel) {
      return channel;
    }
    if (isOver) {
      throw new Error(`the lab has ended: ${logOf({ path }).trim() || 'it does not say why'}`);
    }
    await pause(5);
  }
}

/**
 * Creates the folder under another name, with this process in it, and then renames it: another command must not take a lab that is just
 * starting for one that has ended.
 */
function createFolder(folder: LabFolder): void {
  const { path } = folder;
  const prepared = `${path}.${process.pid}`;
  mkdirSync(prepared, { recursive: true, mode: 0o700 });
  writeProcess(prepared, process.pid);
  try {
    refuseRunning(folder);
    // A lab that ended without lab down.
    rmSync(path, { recursive: true, force: true });
    renameSync(prepared, path);
  } finally {
    rmSync(prepared, { recursive: true, force: true });
  }
}

/** @throws Error when a lab of that name is up. */
export function refuseRunning(folder: LabFolder): void {
  if (isRunning(folder)) {
    throw new Error(`${describeLabName(folder.name)} is already up; end it with ${downCommand(folder.name)}`);
  }
}

/** Readers see the old process or the new one, never half a file. */
function writeProcess(path: string, pid: number): void {
  const known: KnownProcess = { pid, startTime: startTimeOf(pid) ?? '' };
  const file = join(path, 'process');
  writeFileSync(`${file}.new`, JSON.stringify(known), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** What processes of a lab have said, its end. */
export function logOf({ path }: Pick<LabFolder, 'path'>): string {
  try {
    return readFileSync(join(path, 'log'), 'utf8').slice(-4_000);
  } catch {
    return '';
  }
}

/** How to ask a lab that is up. @throws Error when it is not. */
export async function connectLab(folder: LabFolder): Promise<Channel> {
  const channel = isRunning(folder) ? await openSocket(folder.path) : undefined;
  if (!channel) {
    const name = folder.name === defaultName ? '' : ` ${folder.name}`;
    const others = listLabs().filter(isRunning);
    const advice =
      others.length > 0
        ? `use ${others.map((other) => `--name ${other.name}`).join(' or ')}`
        : '"svc2nft lab PATH" brings one up';
    throw new Error(`no lab${name} is up; ${advice}`);
  }
  return channel;
}

function openSocket(path: string): Promise<Channel | undefined> {
  return new Promise((resolve) => {
    const socket = connect(join(path, 'socket'));
    socket.once('error', () => resolve(undefined));
    socket.once('connect', () => {
      socket.on('error', () => socket.destroy());
      resolve(openChannel({ input: socket, output: socket }));
    });
  });
}

/** The process in whose namespaces a lab is, as this process sees it; undefined if it does not run. */
export function supervisorOf(folder: Pick<LabFolder, 'path'>): number | undefined {
  const known = runningProcess(folder);
  return known && childrenOf(known.pid)[0];
}

export function isRunning(folder: Pick<LabFolder, 'path'>): boolean {
  return runningProcess(folder) !== undefined;
}

function runningProcess({ path }: Pick<LabFolder, 'path'>): KnownProcess | undefined {
  try {
    const known: unknown = JSON.parse(readFileSync(join(path, 'process'), 'utf8'));
    if (!isMapping(known) || typeof known['pid'] !== 'number' || typeof known['startTime'] !== 'string') {
      return undefined;
    }
    const { pid, startTime } = known;
    return startTime !== '' && startTimeOf(pid) === startTime ? { pid, startTime } : undefined;
  } catch {
    return undefined;
  }
}

/** In ticks since the machine started (proc(5), stat, field 22); undefined for a process that has ended. */
function startTimeOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may contain anything.
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/**
 * Ends a lab and waits until all its processes are gone, which takes their namespaces along; then removes its folder.
 *
 * @returns whether it was running.
 */
export async function endLab(folder: LabFolder): Promise<boolean> {
  const known = runningProcess(folder);
  if (known) {
    const first = childrenOf(known.pid);
    // The kernel ends every process of a namespace with its first one, and unshare ends then, too.
    for (const pid of first.length > 0 ? first : [known.pid]) {
      killNow(pid);
    }
    while (runningProcess(folder)) {
      await pause(5);
    }
  }
  rmSync(folder.path, { recursive: true, force: true });
  return known !== undefined;
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
