import { type Dirent, type FSWatcher, statSync, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { escapeControls } from '../../lib/text.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';

/** What a command that may watch reads. */
interface Watched {
  /** Whether a cluster is read in place of files. */
  readonly isLive?: boolean;
  /** Whether `--watch` was given. */
  readonly watch: true | undefined;
  /** Files and folders; without any, the command reads stdin. */
  readonly paths: readonly string[];
  /** Values of other flags that may name a file, such as `--config`. */
  readonly others: readonly (string | undefined)[];
}

/**
 * Runs the work of a command; with `--watch` again whenever its files change, until an interruption (Ctrl+C). What is
 * wrong with the files then does not end it.
 *
 * @returns the exit code; 0 after an interruption.
 */
export async function runWatched(
  { watch: wanted, isLive, paths, others }: Watched,
  context: Context,
  work: () => Promise<number>,
): Promise<number> {
  if (!wanted) {
    return work();
  }
  if (isLive) {
    context.stderr.write('error: -w watches files; to look at a cluster again and again, use watch(1)\n');
    return exitCodes.wrongUsage;
  }
  const files = [...paths, ...others.flatMap((path) => (path === undefined || path === 'kernel' ? [] : path))];
  if (files.length === 0 || files.includes('-')) {
    context.stderr.write('error: -w watches files, and stdin is not a file: name a PATH (see --help)\n');
    return exitCodes.wrongUsage;
  }
  const news = watchFolders(files, context.interruption ?? interruptionOfProcess());
  try {
    let seen = await lookAt(files);
    await work();
    while (await news.next()) {
      const now = await lookAt(files);
      const changed = files.filter((file) => now.get(file) !== seen.get(file));
      if (changed.length > 0) {
        seen = now;
        context.stderr.write(`note: ${escapeControls(changed.join(', '))} changed\n`);
        await work();
      }
    }
  } finally {
    news.close();
  }
  return exitCodes.done;
}

/** Node ends the process at the second Ctrl+C, as it does at the first one without a listener. */
function interruptionOfProcess(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/** In milliseconds: an editor that replaces a file, or a copy of many files, takes several steps. */
const settling = 100;

/** In milliseconds: how often files are looked at that the system may not report. */
const polling = 1_000;

interface News {
  /** Waits until something may have changed since the call before; resolves to false after an interruption. */
  readonly next: () => Promise<boolean>;
  readonly close: () => void;
}

/**
 * Watches files and their folders, because a replaced file is another one under the same name. What is deeper in a folder,
 * and what the system cannot watch, is looked at every second.
 */
function watchFolders(files: readonly string[], signal: AbortSignal): News {
  let hasNews = false;
  let notify = (): void => undefined;
  const onNews = (): void => {
    hasNews = true;
    notify();
  };
  const watchers = files.flatMap((file) => [dirname(file), file]).map((path) => watchPath(path, onNews));
  const needsPolling = watchers.includes(undefined) || files.some(isFolder);
  const timer = needsPolling ? setInterval(onNews, polling) : undefined;
  signal.addEventListener('abort', onNews);
  return {
    next: async () => {
      if (!hasNews && !signal.aborted) {
        await new Promise<void>((resolve) => {
          notify = resolve;
        });
      }
      await wait(settling, undefined, { signal }).catch(() => undefined);
      hasNews = false;
      return !signal.aborted;
    },
    close: () => {
      clearInterval(timer);
      for (const watcher of watchers) {
        watcher?.close();
      }
    },
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Undefined where that is not possible, for example because the system watches too many files already. */
function watchPath(path: string, onNews: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, onNews);
    watcher.on('error', onNews);
    return watcher;
  } catch {
    return undefined;
  }
}

/** What distinguishes the content of each path from what it was before. */
async function lookAt(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return new Map(await Promise.all(paths.map(async (path) => [path, await fingerprint(path, new Set())] as const)));
}

/** @param visited the folders, which links may lead to again. */
async function fingerprint(path: string, visited: Set<string>): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  const identity = found ? `${found.dev}:${found.ino}` : 'missing';
  if (!found?.isDirectory()) {
    return found ? `${identity} ${found.size} ${found.mtimeNs}` : identity;
  }
  if (visited.has(identity)) {
    return identity;
  }
  visited.add(identity);
  const entries = await readdir(path, { withFileTypes: true }).catch((): Dirent[] => []);
  const names = entries.filter(mayBeInput).map(({ name }) => name);
  const prints: string[] = [];
  for (const name of names.sort()) {
    prints.push(`${name} ${await fingerprint(join(path, name), visited)}`);
  }
  return prints.join('\n');
}

/** Manifests, and folders, to which links may lead. What a command writes into the folder must not wake it. */
function mayBeInput(entry: Dirent): boolean {
  const { name } = entry;
  const isIgnored = name.startsWith('.') || name === 'node_modules';
  return !isIgnored && (!entry.isFile() || /\.(ya?ml|json)(\.gz)?$/.test(name));
}
