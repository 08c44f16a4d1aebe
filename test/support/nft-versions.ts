import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** An nft that tests can use. */
export interface NftVersion {
  /** As in `1.1.3`. */
  readonly version: string;
  /** Where its `nft` is, and a `python3` that can load its library; undefined for the nft of this machine. */
  readonly programs?: string;
}

const folder = fileURLToPath(new URL('../../.nft-versions/', import.meta.url));

/** The nft of this machine, or the one that `NFT_VERSION` names. */
export const usualNft: NftVersion = findUsual(process.env['NFT_VERSION']);

/** The usual nft, and those of other versions that test/nft-versions/install.sh has unpacked. Oldest first. */
export const nftVersions: readonly NftVersion[] = [usualNft, ...unpacked()].sort((one, other) =>
  compareVersions(one.version, other.version),
);

if (nftVersions.length === 1) {
  console.warn(`nothing is tested with another nft than ${usualNft.version}; test/nft-versions/install.sh gets one`);
}

/** Two that may work on one table. */
export interface NftPair {
  readonly writer: NftVersion;
  readonly reader: NftVersion;
  /** Whether the reader can read what the writer wrote: nft 1.0 cannot read sets that nft 1.1 wrote. */
  readonly isReadable: boolean;
}

/** Every two different versions, in both orders. */
export const nftPairs: readonly NftPair[] = nftVersions.flatMap((writer) =>
  nftVersions
    .filter((reader) => reader !== writer)
    .map((reader) => ({ writer, reader, isReadable: isOld(writer) || !isOld(reader) })),
);

function isOld({ version }: NftVersion): boolean {
  return version.startsWith('1.0.');
}

function findUsual(name: string | undefined): NftVersion {
  return name === undefined ? { version: installedVersion() } : { version: name, programs: `${folder}${name}/bin` };
}

function installedVersion(): string {
  try {
    const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
    const printed = execFileSync('nft', ['--version'], { encoding: 'utf8', env });
    return /v(\d[\d.]*)/.exec(printed)?.[1] ?? printed.trim();
  } catch {
    return 'none';
  }
}

function unpacked(): NftVersion[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name !== usualNft.version && existsSync(`${folder}${name}/bin/python3`))
    .map((version) => ({ version, programs: `${folder}${version}/bin` }));
}

function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
