import { execa } from 'execa';

/**
 * Loads files one after the other with nft in a network namespace of its own, beside a table of somebody else.
 *
 * @returns for each load a digest of what the file's tables and the other one then hold; `refused` where nft refused. A
 * file for one family leaves the other family's table alone.
 */
export async function loadInTurn(files: readonly string[]): Promise<string[]> {
  const script = `
    nft add table ip other && nft add chain ip other kept '{ type filter hook input priority 7; }' || exit 1
    while read -r file; do
      if nft -f "$file" >&2; then
        { nft list table ip other; sed -n 's/^delete //p' "$file" | while read -r table; do nft --stateless list $table; done; } | sha256sum
      else
        echo refused
      fi
    done`;
  const { stdout } = await execa('unshare', ['--net', 'bash', '-c', script], { input: `${files.join('\n')}\n` });
  return stdout.split('\n').map((line) => line.replace(/ .*$/, ''));
}

/**
 * Orders that together bring every item directly after every other one, and after itself: for each distance, steps of
 * that distance around the ring.
 */
export function everyPairInTurn<T>(items: readonly T[]): T[][] {
  return items.map((_, distance) => {
    const visited = new Set<number>();
    const order: T[] = [];
    for (let start = 0; start < items.length; start++) {
      for (let index = start; !visited.has(index); index = (index + distance) % items.length) {
        visited.add(index);
        // The first of a round comes twice, so that the step that closes the round is taken as well.
        order.push(...items.slice(index, index + 1));
      }
      order.push(...items.slice(start, start + 1));
    }
    return order;
  });
}

/** Loads a text in a namespace of its own; what nft complains of, empty when it accepts the text. */
export async function loadText(text: string): Promise<string> {
  const { stderr } = await execa('unshare', ['--net', 'nft', '-f', '-'], { input: text, reject: false });
  return stderr;
}
