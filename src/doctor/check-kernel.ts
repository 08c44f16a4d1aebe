import { isNftError } from '../apply/read-table.ts';
import { listWords } from '../describe-value.ts';
import type { Facts, MissingFeature } from './facts.ts';
import { type Judgement, note, ok, problem, warning } from './finding.ts';
import { kernelFeatures } from './kernel-features.ts';

/** Whether the kernel's version is one that our rules were tried with. */
export function checkKernel({ nft, files }: Facts): Judgement {
  const release = files.release?.trim();
  if (isNftError(nft) && nft.kind === 'kernel-too-old') {
    return problem(`${nft.said.join(' ')} is too old`, nft.advice);
  }
  if (release === undefined) {
    return note('the version of the kernel could not be seen', 'Linux 5.13 or newer is needed.');
  }
  // Without nft nobody has compared it.
  return isNftError(nft) ? note(`Linux ${release}`, 'Linux 5.13 or newer is needed.') : ok(`Linux ${release}`);
}

/** Whether the kernel takes the kinds of rules that we write, found out by trying. */
export function checkFeatures({ nft, features }: Facts): Judgement {
  if (features.kind === 'not-probed' && isNftError(nft) && ['not-found', 'no-permission'].includes(nft.kind)) {
    return note(`not tried, for ${nft.said.join(' ')}`, nft.advice);
  }
  if (features.kind === 'not-probed') {
    return note(
      `not tried, for no network namespace can be made: ${features.said}`,
      'Run as root on the host, or where `unshare -n` is allowed, to have the kernel tried.',
    );
  }
  const { missing } = features;
  if (missing.length === 0) {
    return ok(`the kernel takes all ${kernelFeatures.length} kinds of rules, for IPv4 and IPv6`);
  }
  if (missing.every(({ family, feature }) => family === 'ip6' && feature === kernelFeatures[0]?.name)) {
    return warning(
      `the kernel has no nftables for IPv6 (${missing[0]?.said ?? ''})`,
      'Use --family ip, or a kernel with IPv6.',
    );
  }
  return problem(
    `refused on trial: ${describeMissing(missing)}: ${missing[0]?.said ?? ''}`,
    `Load or install ${listWords([...new Set(missing.map(({ module }) => module))])} (docs/nft-errors.md#modules).`,
  );
}

/** `reject (ip, ip6) and masquerade (ip6)`: what one family lacks, the other often lacks as well. */
function describeMissing(missing: readonly MissingFeature[]): string {
  const families = new Map<string, string[]>();
  for (const { feature, family } of missing) {
    families.set(feature, [...(families.get(feature) ?? []), family]);
  }
  return listWords([...families].map(([feature, names]) => `${feature} (${names.join(', ')})`));
}
