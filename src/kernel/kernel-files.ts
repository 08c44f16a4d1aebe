import { constants } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of /proc and /sys; both reject as those of Node do, with a code. */
export interface KernelFiles {
  readonly read: (path: string) => Promise<string>;
  /** Never creates a file. */
  readonly write: (path: string, text: string) => Promise<void>;
}

/** The files below a folder: those of this machine, or others in their place. */
export function kernelFilesIn(folder: string): KernelFiles {
  return {
    read: (path) => readFile(join(folder, path), 'utf8'),
    write: (path, text) => writeFile(join(folder, path), text, { flag: constants.O_WRONLY | constants.O_TRUNC }),
  };
}
