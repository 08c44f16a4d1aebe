import { type Dirent, type FSWatcher, statSync, watch } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
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

/**
 * Calls back each time that a file has another content and keeps it for a moment; a file that is gone is waited for. A mounted
 * ConfigMap is a link to a link to a folder, and the one in the middle is replaced. What can be read only once, such as a pipe, is
 * left alone.
 *
 * @returns once the first content is known, a promise that is resolved when the signal is aborted.
 */
export async function followContent(
  file: string,
  signal: AbortSignal,
  onChange: () => Promise<void>,
): Promise<{ readonly ended: Promise<void> }> {
  const isFile = (await stat(file).catch(() => undefined))?.isFile();
  const seen = isFile ? await readContent(file) : undefined;
  return { ended: isFile ? followFrom(seen, file, signal, onChange) : Promise.resolve() };
}

async function followFrom(
  first: Buffer | undefined,
  file: string,
  signal: AbortSignal,
  onChange: () => Promise<void>,
): Promise<void> {
  let seen = first;
  while (!signal.aborted) {
    // Anew each time, because links may lead elsewhere.
    const target = await realpath(file).catch(() => file);
    const news = watchFolders([...new Set([file, target])], signal);
    try {
      const changed = await waitForContent(file, seen, news);
      if (changed) {
        seen = changed;
        await onChange();
      }
    } finally {
      news.close();
    }
  }
}

/** Another content of a file, once it has had that for the time of settling; undefined after an interruption. */
async function waitForContent(file: string, seen: Buffer | undefined, news: News): Promise<Buffer | undefined> {
  let last = seen;
  for (;;) {
    const content = (await readContent(file)) ?? seen;
    if (content && !isSame(content, seen) && isSame(content, last)) {
      return content;
    }
    last = content;
    if (!(await (isSame(content, seen) ? news.next() : news.settle()))) {
      return undefined;
    }
  }
}

function isSame(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}

async function readContent(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(() => undefined);
}

/** Node ends the process at the second Ctrl+C, as it does at the first one without a listener. */
export function interruptionOfProcess(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/** In milliseconds: an editor that replaces a file, or a copy of many files, takes several steps. */
const settling = 100;

/** In milliseconds: how often files are looked at that the system may not report. */
const polling = 1_000;

/** In milliseconds: the same for all others, because nothing is told of a folder that is replaced, and little by some file systems. */
const rarePolling = 10_000;

interface News {
  /** Waits until something may have changed since the call before; resolves to false after an interruption. */
  readonly next: () => Promise<boolean>;
  /** Waits until what goes on may be over; resolves to false after an interruption. */
  readonly settle: () => Promise<boolean>;
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
  const timer = setInterval(onNews, needsPolling ? polling : rarePolling);
  signal.addEventListener('abort', onNews);
  const settle = async (): Promise<boolean> => {
    await wait(settling, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  };
  return {
    next: async () => {
      if (!hasNews && !signal.aborted) {
        await new Promise<void>((resolve) => {
          notify = resolve;
        });
      }
      const goesOn = await settle();
      hasNews = false;
      return goesOn;
    },
    settle,
    close: () => {
      signal.removeEventListener('abort', onNews);
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
