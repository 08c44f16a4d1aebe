import { isNftError } from '../apply/read-table.ts';
import type { Facts } from './facts.ts';
import { type Judgement, note, ok, problem } from './finding.ts';

/** Whether there is an nft that loads our rules. */
export function checkNft({ nft }: Facts): Judgement {
  if (!isNftError(nft)) {
    const affinity =
      nft.targetNft === '1.1.3'
        ? ''
        : '; Services with affinity over IPv6 get chains of their own (flat from 1.1.3 on)';
    return ok(`nft ${nft.version}${affinity}`);
  }
  // What is wrong with the kernel is said by its own check.
  return nft.kind === 'kernel-too-old' ? ok('nft is new enough') : problem(nft.said.join(' '), nft.advice);
}

/** Whether nft can print JSON, which is how tables are read. Some builds leave it out. */
export function checkJson({ nft, lacksJson, chains }: Facts): Judgement {
  if (lacksJson) {
    return problem(
      'nft was built without JSON: tables cannot be read, so svc2nft apply and diff fail',
      'Install an nftables that was built with JSON support (libjansson); `nft -V` must print "json: yes".',
    );
  }
  if (isNftError(nft) && ['not-found', 'no-permission'].includes(nft.kind)) {
    return note('nft could not be asked for JSON', nft.advice);
  }
  if (isNftError(chains) && chains.kind !== 'no-permission') {
    return problem(`nft -j list chains fails: ${chains.kind}: ${chains.said[0] ?? ''}`, chains.advice);
  }
  return ok('nft prints JSON');
}
