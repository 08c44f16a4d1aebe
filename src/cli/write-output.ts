import { once } from 'node:events';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { exitCodes } from './exit-codes.ts';
import type { Streams } from './streams.ts';

/** Writes the ruleset to a file, whole or not at all, or to stdout; resolves to the exit code. */
export async function writeOutput(text: string, path: string | undefined, streams: Streams): Promise<number> {
  if (path === undefined || path === '-') {
    if (!streams.stdout.write(text)) {
      await once(streams.stdout, 'drain');
    }
    return exitCodes.done;
  }
  try {
    await writeWhole(path, text);
    return exitCodes.done;
  } catch (error) {
    streams.stderr.write(
      `error: ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return isDenied(error) ? exitCodes.noPermission : exitCodes.wrongUsage;
  }
}

/** A regular file is replaced in one step, so that no reader finds half of it; a device or pipe is just written to. */
async function writeWhole(path: string, text: string): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing && !existing.isFile()) {
    await writeFile(path, text);
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EROFS'].includes(String(error.code));
}
