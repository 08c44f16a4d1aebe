import { Command } from 'commander';
import { isNftError } from '../../kernel/nft-error.ts';
import { type NftProbe, probeNft } from '../../kernel/probe-nft.ts';
import { version } from '../../version.ts';
import type { Context } from '../context.ts';
import { formatOption } from '../flags/general-flags.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft version
  svc2nft version -o json | jq -r .nft.version
`;

const notes = `
-o json prints {svc2nft, nft, node}; nft is {version, targetNft} or {problem}, where targetNft is what --target-nft is for
apply on this machine.
`;

/** `svc2nft version`: the versions of svc2nft and of what it uses. */
export function versionCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('version')
    .description('Prints the versions of svc2nft and of the nft that it finds. --version prints the first one alone.')
    .optionsGroup('Output:')
    .addOption(formatOption('text: a line for each; json: for programs', ['text', 'json']).default('text'))
    .action(async (flags: VersionFlags) => {
      setExitCode(await runVersion(flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** The flags of `svc2nft version`. */
interface VersionFlags {
  readonly output: 'text' | 'json';
}

/** Prints the versions; resolves to the exit code. A missing nft is not an error, because only some commands need it. */
async function runVersion({ output }: VersionFlags, context: Context): Promise<number> {
  const nft = await findVersion(context);
  const found = 'problem' in nft ? nft.problem : nft.version;
  const text =
    output === 'json'
      ? `${JSON.stringify({ svc2nft: version, nft, node: process.versions.node }, undefined, 2)}\n`
      : `svc2nft ${version}\nnft ${found}\n`;
  return writeOutput(text, undefined, context);
}

/** The installed nft, or why svc2nft cannot use it. */
async function findVersion({
  run,
}: Context): Promise<Pick<NftProbe, 'version' | 'targetNft'> | { readonly problem: string }> {
  const probe = await probeNft(run);
  if (isNftError(probe)) {
    return { problem: `${probe.kind} (${probe.said[0]})` };
  }
  return { version: probe.version, targetNft: probe.targetNft };
}
