import { formatNftError } from '../../kernel/nft-error.ts';
import { type NftProbe, probeNft } from '../../kernel/probe-nft.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CompileFlags } from '../flags/compile-flags.ts';
import { exitCodeOfError } from '../output/report-outcome.ts';

/** The version of nft, after the kernel has answered; or the exit code, after a message that says why not. */
export async function findNft(
  run: RunProgram,
  { targetNft }: CompileFlags,
  { stderr }: Context,
): Promise<NftProbe | number> {
  const probe = await probeNft(run);
  if ('kind' in probe) {
    stderr.write(`error: ${formatNftError(probe)}\n`);
    return exitCodeOfError(probe);
  }
  // nft 1.0.6 aborts on these, and Services with affinity would have to be left out.
  if (targetNft === '1.1.3' && probe.targetNft !== '1.1.3') {
    stderr.write(`error: nft ${probe.version} cannot load rulesets for --target-nft 1.1.3; omit this option\n`);
    return exitCodes.wrongUsage;
  }
  return probe;
}
