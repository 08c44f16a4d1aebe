import { release } from 'node:os';
import { escapeControls } from '../lib/text.ts';
import type { CompileOptions } from '../options.ts';
import { classifyNftError, createNftError, type NftError } from './nft-error.ts';
import type { RunProgram } from './run-program.ts';

/** The nft that is installed. */
export interface NftProbe {
  /** Three numbers as in `1.0.6`; what nft prints if that is not understood. */
  readonly version: string;
  /** What a ruleset for it may contain. */
  readonly targetNft: CompileOptions['targetNft'];
  /** Whether an nft can own tables that outlive it: with nft 1.1 and Linux 6.9, or newer ones. */
  readonly canOwn: boolean;
  /** The release of the kernel, `6.12.1-arch1`, as `uname -r` prints it. */
  readonly kernel: string;
}

type Version = readonly [major: number, minor: number, patch: number];

const oldestNft: Version = [1, 0, 6];
/**
 * The first version known to accept `update @map` with more than 16 bytes of key or data. According to its history nft was
 * fixed between 1.0.9 and 1.1.0, but nothing before 1.1.3 was tested with these rules.
 */
const oldestNftWithWideMaps: Version = [1, 1, 3];
const oldestKernel: Version = [5, 13, 0];
/** The first ones with `flags owner, persist`. */
const oldestOwner: { readonly nft: Version; readonly kernel: Version } = { nft: [1, 1, 0], kernel: [6, 9, 0] };

/** In milliseconds. */
const longestProbe = 10_000;

/**
 * The installed nft, or an error if it or the kernel is missing or too old. Versions that are not understood count as the
 * oldest supported one. Needs no permission, so a missing one is not found here.
 */
export async function probeNft(run: RunProgram): Promise<NftProbe | NftError> {
  const nft = await run('nft', ['--version'], undefined, { longest: longestProbe });
  if (nft.exitCode !== 0) {
    return classifyNftError(nft);
  }
  const words = escapeControls(nft.stdout.trim().slice(0, 80));
  const name = /nftables v?(\d\S*)/.exec(nft.stdout)?.[1] ?? '';
  const version = readVersion(name);
  if (version !== undefined && isOlder(version, oldestNft)) {
    return createNftError('nft-too-old', [words]);
  }
  const kernelName = await findKernel(run);
  const kernel = readVersion(kernelName);
  if (kernel !== undefined && isOlder(kernel, oldestKernel)) {
    return createNftError('kernel-too-old', [`Linux ${kernelName}`]);
  }
  const has = (oldest: Version): boolean => version !== undefined && !isOlder(version, oldest) && !isCandidate(name);
  return {
    version: version?.join('.') ?? words,
    targetNft: has(oldestNftWithWideMaps) ? '1.1.3' : '1.0.6',
    canOwn: has(oldestOwner.nft) && kernel !== undefined && !isOlder(kernel, oldestOwner.kernel),
    kernel: kernelName,
  };
}

/** The release of the kernel as `uname` prints it, or, where that is missing as in a small container, as Node knows it. */
async function findKernel(run: RunProgram): Promise<string> {
  const { missing, stdout } = await run('uname', ['-r'], undefined, { longest: longestProbe });
  return escapeControls((missing ? release() : stdout.trim()).slice(0, 80));
}

/** The first numbers, with 0 for a patch that is not there; undefined where there are not even two. */
function readVersion(name: string): Version | undefined {
  const [, major, minor, patch = '0'] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(name) ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

/** Whether it came before the version whose numbers it has. */
function isCandidate(name: string): boolean {
  return /rc|pre|alpha|beta|~/i.test(name);
}

function isOlder(version: Version, than: Version): boolean {
  const [major, minor, patch] = version;
  if (major !== than[0]) {
    return major < than[0];
  }
  return minor === than[1] ? patch < than[2] : minor < than[1];
}
