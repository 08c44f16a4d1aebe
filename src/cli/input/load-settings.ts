import { readKubeProxyConfig } from '../../config/kube-proxy-config.ts';
import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { CompileOptions } from '../../options.ts';
import type { CompileFlags } from '../flags/compile-flags.ts';
import { loadFile } from './load-files.ts';

/** Options for the compiler, and diagnostics about the configuration file. */
interface Settings {
  readonly options: Partial<CompileOptions>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the configuration file, if there is one; flags take precedence over it. */
export async function loadSettings(flags: CompileFlags): Promise<Settings> {
  const config = flags.config === undefined ? undefined : await readConfigFile(flags.config);
  return { options: { ...config?.options, ...optionsOf(flags) }, diagnostics: config?.diagnostics ?? [] };
}

async function readConfigFile(path: string): Promise<Settings> {
  const { texts, diagnostics } = await loadFile(path);
  const config = texts[0] && readKubeProxyConfig(texts[0]);
  return { options: config?.options ?? {}, diagnostics: [...diagnostics, ...(config?.diagnostics ?? [])] };
}

function optionsOf(flags: CompileFlags): Partial<CompileOptions> {
  return {
    ...(flags.node === undefined ? {} : { nodeName: flags.node }),
    ...(flags.nodeIp === undefined ? {} : { nodeAddresses: flags.nodeIp }),
    ...(flags.zone === undefined ? {} : { zone: flags.zone }),
    ...(flags.clusterCidr === undefined ? {} : { clusterCIDRs: flags.clusterCidr }),
    ...(flags.nodeportAddresses === undefined ? {} : { nodePortAddresses: flags.nodeportAddresses }),
    ...(flags.masqueradeAll === undefined ? {} : { masqueradeAll: true }),
    ...(flags.table === undefined ? {} : { table: flags.table }),
    ...(flags.family === undefined ? {} : { families: [flags.family] }),
    ...(flags.targetNft === undefined ? {} : { targetNft: flags.targetNft }),
    ...(flags.keepGoing === undefined ? {} : { keepGoing: true }),
    ...(flags.strict === undefined ? {} : { strict: true }),
  };
}
