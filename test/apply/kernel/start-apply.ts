import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { listOf, snapshotFlags } from './manifests.ts';
import type { TestNode } from './open-node.ts';

/** `svc2nft apply` as a process of its own, which can be killed. */
export interface RunningApply {
  /** The exit code; undefined when a signal ended it. */
  readonly ended: Promise<number | undefined>;
  /** Kills it; false when it has ended before. */
  kill(): boolean;
  /** Waits for the first nft that loads something, or for its own end. */
  loads(): Promise<void>;
  /** Kills the nft that runs for it, or the next one that does; false when it ends before. */
  killNft(): Promise<boolean>;
  /** Whether a program that it has started is left. */
  isLeft(): boolean;
  /** Waits until neither it nor any program that it has started is left. */
  allEnded(): Promise<void>;
}

/**
 * Starts `bin/svc2nft.js apply` in the node's namespace.
 *
 * @param programs a folder in which programs are looked for first.
 */
export async function startApply(
  node: TestNode,
  objects: readonly unknown[],
  programs?: string,
): Promise<RunningApply> {
  const file = join(node.folder, 'snapshot.json');
  await writeFile(file, JSON.stringify(listOf(objects)));
  const command = [process.execPath, 'bin/svc2nft.js', 'apply', ...snapshotFlags, file];
  // A process group of its own; nsenter becomes what it starts, so that its process is the one to kill.
  const apply = execa('nsenter', [`--net=${node.namespace}`, ...command], {
    detached: true,
    reject: false,
    stdio: 'ignore',
    env: { PATH: [...(programs === undefined ? [] : [programs]), process.env['PATH'], '/usr/sbin', '/sbin'].join(':') },
  });
  let hasEnded = false;
  const ended = apply.then(({ exitCode }) => {
    hasEnded = true;
    return exitCode;
  });
  const { pid = 0 } = apply;
  return {
    ended,
    kill: () => apply.kill('SIGKILL'),
    loads: async () => {
      while (!hasEnded && !(await nftOf(pid))?.args.includes('-f')) {
        await pauseShortly();
      }
    },
    killNft: async () => {
      while (!hasEnded) {
        const nft = await nftOf(pid);
        if (nft && signal(nft.pid, 'SIGKILL')) {
          return true;
        }
        await pauseShortly();
      }
      return false;
    },
    isLeft: () => signal(-pid, 0),
    allEnded: async () => {
      await ended;
      while (signal(-pid, 0)) {
        await pauseShortly();
      }
    },
  };
}

/** The nft that a process has started, if one runs now. */
async function nftOf(parent: number): Promise<{ pid: number; args: string[] } | undefined> {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '');
  for (const child of children.split(' ').filter(Boolean)) {
    const words = (await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')).split('\0');
    // Until it becomes nft, a child has the name of its parent. A script comes after its shell.
    const place = words.slice(0, 2).findIndex((word) => /(^|\/)nft$/.test(word));
    if (place >= 0) {
      return { pid: Number(child), args: words.slice(place + 1) };
    }
  }
  return undefined;
}

/** Sends a signal (0: none) to a process, or with a negative number to a group; false when there is none left. */
function signal(pid: number, name: 'SIGKILL' | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function pauseShortly(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}
