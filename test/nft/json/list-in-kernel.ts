import { execa } from 'execa';

/** A text for `nft -f`, and the tables that are then looked at, each as `FAMILY NAME`. */
export interface Load {
  readonly text: string;
  readonly tables: readonly string[];
}

/**
 * Loads texts one after the other with nft in a network namespace of its own.
 *
 * @returns for each load what `nft -j list table` then prints for each of its tables.
 */
export async function listInKernel(loads: readonly Load[]): Promise<string[][]> {
  const script = `
    while IFS= read -r -d '' text && IFS= read -r -d '' tables; do
      nft -f - <<< "$text" || exit 1
      while read -r table; do
        nft -j list table $table | tr -d '\\n'; echo
      done <<< "$tables"
      printf '\\0'
    done`;
  const { stdout } = await execa('unshare', ['--net', 'bash', '-c', script], {
    input: loads.map(({ text, tables }) => `${text}\0${tables.join('\n')}\0`).join(''),
  });
  return stdout
    .split('\0')
    .slice(0, -1)
    .map((part) => part.split('\n').filter((line) => line !== ''));
}
