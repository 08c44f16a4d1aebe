import { execa } from 'execa';

/**
 * Loads texts one after the other with nft in a network namespace of its own.
 *
 * @param commands of nft, in the words of its command line, `-n list ruleset`.
 * @returns for each text what each command then printed.
 */
export async function printInKernel(texts: readonly string[], commands: readonly string[]): Promise<string[][]> {
  const script = `
    while IFS= read -r -d '' text; do
      nft -f - <<< "flush ruleset; $text" || exit 1
      while read -r command; do
        nft $command || exit 1
        printf '\\0'
      done <<< "$COMMANDS"
    done`;
  const { stdout } = await execa('unshare', ['--net', 'bash', '-c', script], {
    input: texts.map((text) => `${text}\0`).join(''),
    env: { COMMANDS: commands.join('\n') },
  });
  const printed = stdout.split('\0');
  return texts.map((_, index) => printed.slice(index * commands.length, (index + 1) * commands.length));
}
