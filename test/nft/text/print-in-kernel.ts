import { printByNft } from '../../support/run-nft.ts';

/**
 * Loads texts one after the other with nft, each in an empty network namespace.
 *
 * @param commands of nft, in the words of its command line, `-n list ruleset`.
 * @returns for each text what each command then printed.
 */
export async function printInKernel(texts: readonly string[], commands: readonly string[]): Promise<string[][]> {
  const prints = commands.map((command) => {
    const [, flags = '', text = ''] = /^((?:-\w+ )*)(.*)$/.exec(command) ?? [];
    return { text, flags: flags.replace(/[- ]/g, '') };
  });
  const printed = await printByNft(texts.flatMap((text) => [{ text: `flush ruleset; ${text}` }, ...prints]));
  return texts.map(() => printed.splice(0, 1 + prints.length).slice(1));
}
