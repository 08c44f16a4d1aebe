import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** In bytes. The doctor needs no more of a file; the list of a large IPVS is longer. */
const longestHead = 1_048_576;

/** The first part of a file, as text; undefined when it is not there or may not be read. */
export async function readHead(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    // A pipe in the place of a file must not keep anybody waiting.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return await readWhole(file);
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

/** Files in /proc say that they are empty, and give a page at a time. */
async function readWhole(file: FileHandle): Promise<string> {
  const head = Buffer.allocUnsafe(longestHead);
  let length = 0;
  while (length < longestHead) {
    const { bytesRead } = await file.read(head, length, longestHead - length, null);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return head.toString('utf8', 0, length);
}
