import { formatNftError } from '../../kernel/nft-error.ts';
import { type NftProbe, probeNft } from '../../kernel/probe-nft.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import type { Streams } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CompileFlags } from '../flags/compile-flags.ts';
import { exitCodeOfError } from '../output/report-outcome.ts';

/** Looks for an nft and a kernel that can do the work; says why not, and with what exit code to end. */
export async function findNft(
  run: RunProgram,
  { targetNft }: CompileFlags,
  { stderr }: Streams,
): Promise<NftProbe | { readonly exitCode: number }> {
  const probe = await probeNft(run);
  if ('kind' in probe) {
    stderr.write(`error: ${formatNftError(probe)}\n`);
    return { exitCode: exitCodeOfError(probe) };
  }
  // nft 1.0.6 aborts on it, and Services with affinity would have to be left out.
  if (targetNft === '1.1.3' && probe.targetNft !== '1.1.3') {
    stderr.write(`error: nft ${probe.version} cannot load what --target-nft 1.1.3 gives; leave this option out\n`);
    return { exitCode: exitCodes.wrongUsage };
  }
  return probe;
}
