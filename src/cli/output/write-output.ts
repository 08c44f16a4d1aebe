import { once } from 'node:events';
import type { Stats } from 'node:fs';
import { readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Document } from '../../diagnostics/document.ts';
import { escapeControls } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';

/** Writes a text to a file, whole or not at all, or to stdout; resolves to the exit code. */
export async function writeOutput(text: string, path: string | undefined, context: Context): Promise<number> {
  if (path === undefined || path === '-') {
    if (!context.stdout.write(text)) {
      // bin/svc2nft.js handles a reader that stops early.
      await once(context.stdout, 'drain').catch(() => undefined);
    }
    return exitCodes.done;
  }
  try {
    await writeWhole(path, text);
    return exitCodes.done;
  } catch (error) {
    context.stderr.write(`error: ${escapeControls(`cannot write ${path}: ${reasonOf(error)}`)}\n`);
    return isDenied(error) ? exitCodes.noPermission : exitCodes.wrongUsage;
  }
}

/**
 * Creates or replaces a regular file in one step, so that no reader sees half of it; a link to it stays, even if there was
 * no file behind it. Anything else, such as a device or a pipe, is written to in place: /dev/stdout may look like a regular file.
 */
async function writeWhole(path: string, text: string): Promise<void> {
  const { target, existing } = await findTarget(path);
  const isSpecial = [path, target].some((name) => /^\/(dev|proc)\//.test(name));
  if (isSpecial || (existing && !existing.isFile())) {
    await writeFile(path, text);
    return;
  }
  const temporary = join(dirname(target), `.svc2nft-${crypto.randomUUID()}`);
  try {
    // Exclusive, so that a link placed there by others is not followed.
    await writeFile(temporary, text, { flag: 'wx', mode: existing ? existing.mode & 0o777 : 0o666 });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The file at the end of all links, and what it is; a shell follows them as well (`> rules.nft`). */
async function findTarget(path: string): Promise<{ readonly target: string; readonly existing?: Stats }> {
  try {
    // The kernel refuses to follow links of others in a folder such as /tmp (sysctl fs.protected_symlinks).
    const existing = await stat(path);
    return { target: await realpath(path).catch(() => path), existing };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') {
      throw error;
    }
  }
  const link = await readlink(path).catch(() => undefined);
  return link === undefined ? { target: path } : findTarget(resolve(await realpath(dirname(path)), link));
}

/** Node's own messages would name the temporary file. */
const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such folder'],
  ['ENOTDIR', 'part of its path is not a folder'],
  ['EISDIR', 'it is a folder'],
  ['ELOOP', 'a symbolic link to itself'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'no space left'],
  ['ENAMETOOLONG', 'its name is too long'],
]);

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return reasons.get(code) ?? code;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function isDenied(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error));
}

/** Everything that a command has read. */
interface Input {
  readonly paths: readonly string[];
  /** What --config names. */
  readonly config: string | undefined;
  /** They name the files that were found in folders. */
  readonly documents: readonly Document[];
}

/** Whether an output file is also an input file, under any name. Reports it. */
export async function overwritesInput(
  output: string | undefined,
  { paths, config, documents }: Input,
  { stderr }: Pick<Context, 'stderr'>,
): Promise<boolean> {
  const target = output === undefined || output === '-' ? undefined : await realPathOf(output);
  if (output === undefined || target === undefined || isDevice(target)) {
    return false;
  }
  const files = new Set([...paths, ...(config === undefined ? [] : [config]), ...filesOf(documents)]);
  for (const file of files) {
    if (file !== '-' && (await realPathOf(file)) === target) {
      const also = file === output ? '' : ` (as ${file})`;
      stderr.write(`error: ${escapeControls(`${output} is part of the input${also}`)}; write to another file\n`);
      return true;
    }
  }
  return false;
}

/** Undefined if nothing is there. */
async function realPathOf(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

/** Input and output may be the same terminal. */
function isDevice(path: string): boolean {
  return /^\/(dev|proc)\//.test(path);
}

function filesOf(documents: readonly Document[]): Set<string> {
  return new Set(documents.map(({ source }) => source.file));
}

/** What is wrong with the name of an output file, or undefined. */
export function outputFileProblem(text: string): string | undefined {
  if (text === '') {
    return `${describeValue(text)} is not the name of a file`;
  }
  return text.endsWith('/') ? `${describeValue(text)} is the name of a folder; expected a file` : undefined;
}
