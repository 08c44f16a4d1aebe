import { constants } from 'node:buffer';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Diagnostic, diagnosticInFile } from '../../diagnostics/diagnostic.ts';
import type { InputText } from '../../diagnostics/document.ts';
import { appendAll } from '../../lib/lists.ts';

const tooLarge = `larger than ${Math.floor(constants.MAX_STRING_LENGTH / 2 ** 20)} MiB; split it`;

/** The files that were read, and a diagnostic for each path that could not be read. */
export interface LoadedInput {
  readonly texts: InputText[];
  readonly diagnostics: Diagnostic[];
}

/**
 * Reads PATH arguments: a file of any name, a folder with all *.yaml, *.yml and *.json files below it (sorted; without
 * hidden folders and node_modules), or `-` for stdin, which is also the default. Never throws: a path that cannot be read
 * is a diagnostic.
 */
export async function loadInput(paths: readonly string[], stdin: NodeJS.ReadableStream): Promise<LoadedInput> {
  const loaded: LoadedInput = { texts: [], diagnostics: [] };
  // A pipe can be read only once.
  const wanted =
    paths.length === 0 ? ['-'] : paths.filter((path, index) => path !== '-' || paths.indexOf('-') === index);
  for (const path of wanted) {
    append(loaded, path === '-' ? await loadStdin(stdin) : await loadPath(path));
  }
  return loaded;
}

/** Reads one file, which may be a pipe as in `<(kubectl get services -o json)`; a folder is refused. */
export async function loadFile(path: string): Promise<LoadedInput> {
  return attempt(path, async () => {
    const found = await stat(path);
    return found.isDirectory()
      ? failed('file-unreadable', 'expected a file, found a folder', path)
      : readOne(path, found);
  });
}

async function loadPath(path: string): Promise<LoadedInput> {
  return attempt(path, async () => {
    const found = await stat(path);
    return found.isDirectory() ? loadFolder(path) : readOne(path, found);
  });
}

async function loadFolder(folder: string): Promise<LoadedInput> {
  const loaded: LoadedInput = { texts: [], diagnostics: [] };
  await loadBelow(folder, { open: new Set(), visited: new Set() }, loaded);
  if (loaded.texts.length === 0 && loaded.diagnostics.length === 0) {
    return failed('no-manifests', 'the folder has no *.yaml, *.yml or *.json file', folder);
  }
  return loaded;
}

/** Real paths of folders: those above, to which a link would be a loop, and all visited so far. */
interface Walk {
  readonly open: ReadonlySet<string>;
  readonly visited: Set<string>;
}

async function loadBelow(folder: string, { open, visited }: Walk, loaded: LoadedInput): Promise<void> {
  const real = await realpath(folder);
  if (open.has(real)) {
    loaded.diagnostics.push(
      diagnosticInFile('file-unreadable', 'the folder contains itself through a symbolic link', folder),
    );
    return;
  }
  if (visited.has(real)) {
    return;
  }
  visited.add(real);
  const below = { open: new Set([...open, real]), visited };
  const names = await readdir(folder);
  for (const name of names.sort()) {
    const path = join(folder, name);
    append(loaded, await attempt(path, () => loadEntry(path, name, below, loaded)));
  }
}

const nothing: LoadedInput = { texts: [], diagnostics: [] };

/** Looks only at folders and manifests, so that nothing else in a folder can be an error. */
async function loadEntry(path: string, name: string, walk: Walk, loaded: LoadedInput): Promise<LoadedInput> {
  const isManifest = /\.(ya?ml|json)(\.gz)?$/.test(name);
  if (name.startsWith('.') || name === 'node_modules') {
    return nothing;
  }
  const found = isManifest ? await stat(path) : await stat(path).catch(() => undefined);
  if (found?.isDirectory()) {
    await loadBelow(path, walk, loaded);
    return nothing;
  }
  if (isManifest && found?.isFIFO()) {
    return failed('file-unreadable', 'a pipe, which may never end; to read it, name it as a PATH', path);
  }
  return isManifest && found ? markFound(await readOne(path, found)) : nothing;
}

function markFound({ texts, diagnostics }: LoadedInput): LoadedInput {
  return { texts: texts.map((text) => ({ ...text, isFound: true })), diagnostics };
}

function append(loaded: LoadedInput, { texts, diagnostics }: LoadedInput): void {
  appendAll(loaded.texts, texts);
  appendAll(loaded.diagnostics, diagnostics);
}

async function readOne(path: string, found: Stats): Promise<LoadedInput> {
  if (!found.isFile() && !found.isFIFO()) {
    return failed('file-unreadable', 'expected a file, found a device or socket', path);
  }
  if (found.size > constants.MAX_STRING_LENGTH) {
    return failed('file-unreadable', tooLarge, path);
  }
  const bytes = await readFile(path);
  const content = await unpack(bytes);
  // Only what is the text itself can be read again.
  const canReread = found.isFile() && content === bytes;
  return {
    texts: [canReread ? { file: path, content, reread: rereader(path, found) } : { file: path, content }],
    diagnostics: [],
  };
}

/** Gives nothing for a file that has changed since: positions in it would mislead. */
function rereader(path: string, { size, mtimeMs }: Stats): () => Uint8Array | undefined {
  return () => {
    const now = statSync(path, { throwIfNoEntry: false });
    return now?.size === size && now.mtimeMs === mtimeMs ? readFileSync(path) : undefined;
  };
}

async function loadStdin(stdin: NodeJS.ReadableStream): Promise<LoadedInput> {
  const file = '<stdin>';
  return attempt(file, async () => {
    return { texts: [{ file, content: await unpack(await readAll(stdin)) }], diagnostics: [] };
  });
}

/** What is compressed by gzip, unpacked; anything else as it is. A small file may unpack to a huge one, so that is limited. */
async function unpack(bytes: Buffer): Promise<Buffer> {
  if (!isGzip(bytes)) {
    return bytes;
  }
  const { gunzipSync } = await import('node:zlib');
  return gunzipSync(bytes, { maxOutputLength: constants.MAX_STRING_LENGTH });
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Copies chunk by chunk: chunks of a pipe are buffers of 64 KiB with little in them, too many to keep until the end. */
async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  let bytes = Buffer.alloc(2 ** 16);
  let length = 0;
  for await (const chunk of stream) {
    const piece = Buffer.from(chunk);
    if (length + piece.length > constants.MAX_STRING_LENGTH) {
      throw Object.assign(new Error(tooLarge), { code: 'ERR_FS_FILE_TOO_LARGE' });
    }
    if (length + piece.length > bytes.length) {
      const larger = Buffer.allocUnsafe(2 * (length + piece.length));
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
    }
    piece.copy(bytes, length);
    length += piece.length;
  }
  return bytes.subarray(0, length);
}

async function attempt(path: string, load: () => Promise<LoadedInput>): Promise<LoadedInput> {
  try {
    return await load();
  } catch (error) {
    const code = codeOf(error);
    return isNotFound(code)
      ? { texts: [], diagnostics: [describeMissingPath(path)] }
      : failed('file-unreadable', reasons.get(code) ?? `cannot be read: ${String(error)}`, path);
  }
}

/** The PATH arguments at which there is nothing, each once. */
export async function findMissingPaths(paths: readonly string[]): Promise<string[]> {
  const others = [...new Set(paths)].filter((path) => path !== '-');
  const found = await Promise.all(
    others.map((path) =>
      stat(path).then(
        () => true,
        (error) => !isNotFound(codeOf(error)),
      ),
    ),
  );
  return others.filter((_, index) => !found[index]);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isNotFound(code: string): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** A diagnostic about a path where there is nothing. */
export function describeMissingPath(path: string): Diagnostic {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
  const url = 'a URL, not a file; fetch it first: curl -fsSL URL | svc2nft ... -';
  return diagnosticInFile('file-not-found', isUrl ? url : 'no such file or folder', path);
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['ELOOP', 'a symbolic link to itself'],
  ['ERR_FS_FILE_TOO_LARGE', tooLarge],
  ['Z_DATA_ERROR', 'compressed by gzip, but damaged'],
  ['Z_BUF_ERROR', 'compressed by gzip, but the end is missing'],
  ['ERR_BUFFER_TOO_LARGE', `it unpacks to a text that is ${tooLarge}`],
]);

function failed(code: 'file-unreadable' | 'no-manifests', message: string, path: string): LoadedInput {
  return { texts: [], diagnostics: [diagnosticInFile(code, message, path)] };
}
