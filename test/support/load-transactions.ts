import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** Runs the texts of each step, then lists; stops where nft refuses, as what follows would only be wrong after that. */
const script = `
  nft add table ip other && nft add chain ip other kept '{ type filter hook input priority 7; }' || exit 1
  while read -r files; do
    for file in $files; do
      if ! complaint=$(nft -f "$file" 2>&1); then
        printf 'refused: %s\\0' "$complaint"
        exit
      fi
    done
    nft --stateless list ruleset || exit 1
    printf '\\0'
  done`;

/**
 * Carries out transactions one after the other in a network namespace of its own, beside a table of somebody else.
 *
 * @param steps each is one or several texts; every text goes into an `nft -f` of its own.
 * @returns for each step what the namespace then holds, as nft lists it; where nft refused, `refused: ` and its
 * complaint, and nothing for the steps after that.
 */
export async function loadTransactions(steps: readonly (readonly string[])[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'transactions-'));
  try {
    const files = new Map<string, string>();
    const lines = steps.map((texts) => texts.map((text) => fileOf(text, files)).join(' '));
    await Promise.all([...files].map(([text, file]) => writeFile(join(folder, file), text)));
    const { stdout } = await execa('unshare', ['--net', 'bash', '-c', script], {
      cwd: folder,
      input: lines.map((line) => `${line}\n`).join(''),
      maxBuffer: 2 ** 29,
    });
    return stdout.split('\0').slice(0, -1);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The name of a text's file; equal texts share one. */
function fileOf(text: string, files: Map<string, string>): string {
  const file = files.get(text) ?? `${files.size}.nft`;
  files.set(text, file);
  return file;
}
