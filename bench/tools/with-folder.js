// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs an action with a folder for temporary files, which is removed afterward.
 *
 * @param {(folder: string) => Promise<void>} action
 */
export async function withFolder(action) {
  const folder = mkdtempSync(join(tmpdir(), 'svc2nft-bench-'));
  try {
    await action(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
