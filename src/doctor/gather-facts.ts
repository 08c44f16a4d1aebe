import { classifyNftError, createNftError, type NftError } from '../apply/nft-error.ts';
import { probeNft } from '../apply/probe-nft.ts';
import { isNftError } from '../apply/read-table.ts';
import type { RunProgram } from '../apply/run-program.ts';
import type { Family } from '../network.ts';
import type { BridgeFact, ChainFact, Facts, Instruments, OwnTable } from './facts.ts';
import { interfacesOf } from './interfaces-of.ts';
import {
  bridgeFiles,
  enabledPaths,
  type FileName,
  type FirewallService,
  firewallServices,
  knownFiles,
  podBridges,
} from './known-files.ts';
import { listLegacyChains } from './list-legacy-chains.ts';
import { probeFeatures } from './probe-features.ts';
import { readChains } from './read-chains.ts';

/** In milliseconds: a program that takes longer is ended, and what it would have told is not known. */
const longestLook = 20_000;

/** Looks at the machine, and changes nothing. Programs and files may be missing. */
export async function gatherFacts({ run: runProgram, readText }: Instruments, table: string): Promise<Facts> {
  const run: RunProgram = (program, args, input) => runProgram(program, args, input, longestLook);
  const files = await readFiles(readText);
  const nft = await probeNft(run);
  const listed = await listChains(run);
  const legacy = await listLegacyChains(run, files);
  return {
    table,
    nft,
    lacksJson: isNftError(listed) && listed.said.some((line) => /JSON support not compiled/i.test(line)),
    chains: isNftError(listed) ? listed : [...listed, ...legacy.chains],
    unread: legacy.unread,
    ownTables: isNftError(listed) ? [] : await readOwnTables(run, table, listed),
    features: await probeFeatures(run),
    hasConntrack: !(await run('conntrack', ['--version'])).missing,
    files,
    bridges: await readBridges(readText, files),
    services: await findServices(readText),
  };
}

async function readFiles(readText: Instruments['readText']): Promise<Facts['files']> {
  const files: Partial<Record<FileName, string>> = {};
  for (const name of Object.keys(knownFiles) as FileName[]) {
    const text = await readText(knownFiles[name]);
    if (text !== undefined) {
      files[name] = text;
    }
  }
  return files;
}

/** nft 1.0.6 reads every element of every table for `list tables`, but only chains for this. */
async function listChains(run: RunProgram): Promise<readonly ChainFact[] | NftError> {
  const result = await run('nft', ['-j', 'list', 'chains']);
  if (result.exitCode !== 0) {
    return classifyNftError(result);
  }
  return readChains(result.stdout) ?? createNftError('refused', ['nft printed no JSON']);
}

/** As text: the JSON of nft 1.0.6 breaks off where a table has flags. */
async function readOwnTables(run: RunProgram, table: string, chains: readonly ChainFact[]): Promise<OwnTable[]> {
  const families: readonly Family[] = ['ip', 'ip6'];
  const tables: OwnTable[] = [];
  for (const family of families.filter((name) =>
    chains.some((chain) => chain.family === name && chain.table === table),
  )) {
    const { exitCode, stdout } = await run('nft', ['-t', 'list', 'table', family, table]);
    if (exitCode === 0) {
      const head = /^.*\{.*\n(?:\t[^\t\n].*(?<!\{)\n)*/.exec(stdout)?.[0] ?? '';
      tables.push({
        family,
        comment: /^\tcomment "(.*)"$/m.exec(head)?.[1],
        flags: /^\tflags (.*)$/m.exec(head)?.[1]?.split(',') ?? [],
      });
    }
  }
  return tables;
}

async function readBridges(readText: Instruments['readText'], files: Facts['files']): Promise<readonly BridgeFact[]> {
  const names = interfacesOf(files).filter((name) => podBridges.includes(name));
  return Promise.all(
    names.map(async (name) => {
      const { calls, calls6 } = bridgeFiles(name);
      return { name, calls: await readText(calls), calls6: await readText(calls6) };
    }),
  );
}

async function findServices(readText: Instruments['readText']): Promise<Facts['services']> {
  const services: Partial<Record<FirewallService, string>> = {};
  for (const service of firewallServices) {
    const texts = await Promise.all(enabledPaths(service).map(readText));
    const text = texts.find((found) => found !== undefined);
    if (text !== undefined) {
      services[service] = text;
    }
  }
  return services;
}
