import { classifyNftError } from '../apply/nft-error.ts';
import type { ProgramResult, RunProgram } from '../apply/run-program.ts';
import type { Family } from '../network.ts';
import type { FeatureProbe, MissingFeature } from './facts.ts';
import { type KernelFeature, kernelFeatures, trialTable } from './kernel-features.ts';

/**
 * Loads trial rules into network namespaces of their own, which are gone when nft ends. The machine's rules stay as
 * they are; the kernel may load modules for it, as it would for ours.
 */
export async function probeFeatures(run: RunProgram): Promise<FeatureProbe> {
  const refusals: string[] = [];
  for (const flags of waysIn) {
    const result = await run('unshare', [...flags, 'nft', '--version']);
    if (result.exitCode === 0) {
      return {
        kind: 'probed',
        missing: await findMissing((text) => run('unshare', [...flags, 'nft', '-f', '-'], text)),
      };
    }
    refusals.push(result.missing ? 'unshare is not installed' : firstLine(result.stderr));
  }
  return { kind: 'not-probed', said: refusals[0] ?? '' };
}

/** As root, or as somebody who may make user namespaces. util-linux and busybox know these short flags. */
const waysIn: readonly (readonly string[])[] = [['-n'], ['-U', '-r', '-n']];

type Load = (text: string) => Promise<ProgramResult>;

async function findMissing(load: Load): Promise<MissingFeature[]> {
  return [...(await findMissingOf('ip', load)), ...(await findMissingOf('ip6', load))];
}

/** One by one only where all of them together are refused; nothing works without the first one. */
async function findMissingOf(family: Family, load: Load): Promise<MissingFeature[]> {
  if ((await load(trialTable(family, kernelFeatures))).exitCode === 0) {
    return [];
  }
  const missing: MissingFeature[] = [];
  for (const feature of kernelFeatures) {
    const result = await load(trialTable(family, [feature]));
    if (result.exitCode !== 0) {
      missing.push(describeMissing(family, feature, result));
    }
    if (result.exitCode !== 0 && feature === kernelFeatures[0]) {
      break;
    }
  }
  return missing;
}

function describeMissing(family: Family, { name, module }: KernelFeature, result: ProgramResult): MissingFeature {
  const { kind, said } = classifyNftError(result);
  return { family, feature: name, module: module(family), said: said[0] ?? kind };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.slice(0, 160) ?? '';
}
