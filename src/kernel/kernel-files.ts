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

/** The setting with which the kernel routes loopback addresses like others: for node ports there, which rules translate. */
export const routeLocalnet = {
  name: 'net.ipv4.conf.all.route_localnet',
  path: '/proc/sys/net/ipv4/conf/all/route_localnet',
} as const;

/** What became of a setting. */
export interface SettingOutcome {
  /** It had another value. */
  readonly isChanged: boolean;
  /** Why it could not be read or written, in the words of the system. */
  readonly failed?: string;
}

/**
 * Turns {@link routeLocalnet} on, if it is off; nothing turns it off again.
 *
 * @param dryRun only read it.
 */
export async function enableRouteLocalnet(
  { read, write }: KernelFiles,
  { dryRun }: { readonly dryRun: boolean },
): Promise<SettingOutcome> {
  try {
    const isOn = (await read(routeLocalnet.path)).trim() === '1';
    if (!isOn && !dryRun) {
      await write(routeLocalnet.path, '1\n');
    }
    return { isChanged: !isOn };
  } catch (error) {
    return { isChanged: false, failed: error instanceof Error ? error.message : String(error) };
  }
}
