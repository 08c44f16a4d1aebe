import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { escapeControls } from '../escape-controls.ts';
import { exitCodes } from './exit-codes.ts';
import type { Streams } from './streams.ts';

/** Writes the ruleset to a file, whole or not at all, or to stdout; resolves to the exit code. */
export async function writeOutput(text: string, path: string | undefined, streams: Streams): Promise<number> {
  if (path === undefined || path === '-') {
    if (!streams.stdout.write(text)) {
      // A reader that has left is dealt with where the stream was opened.
      await once(streams.stdout, 'drain').catch(() => undefined);
    }
    return exitCodes.done;
  }
  try {
    await writeWhole(path, text);
    return exitCodes.done;
  } catch (error) {
    streams.stderr.write(`error: ${escapeControls(`${path} cannot be written: ${reasonOf(error)}`)}\n`);
    return isDenied(error) ? exitCodes.noPermission : exitCodes.wrongUsage;
  }
}

/**
 * A regular file is replaced in one step, so that no reader finds half of it; where a link leads to it, the link stays.
 * Anything else, a device or a pipe, is just written to: /dev/stdout may look like a file.
 */
async function writeWhole(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const existing = await stat(target).catch(() => undefined);
  const isSpecial = [path, target].some((name) => /^\/(dev|proc)\//.test(name));
  if (isSpecial || (existing && !existing.isFile())) {
    await writeFile(path, text);
    return;
  }
  const temporary = join(dirname(target), `.svc2nft-${randomBytes(6).toString('hex')}`);
  try {
    // Exclusive: nobody may have put a link there.
    await writeFile(temporary, text, { flag: 'wx', mode: existing ? existing.mode & 0o777 : 0o666 });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Node's own words would name the temporary file. */
const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such folder'],
  ['ENOTDIR', 'a part of its path is no folder'],
  ['EISDIR', 'it is a folder'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'no space is left'],
  ['ENAMETOOLONG', 'its name is too long'],
]);

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return reasons.get(code) ?? code;
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EROFS'].includes(String(error.code));
}
