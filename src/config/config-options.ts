import type { Report } from '../diagnostics/diagnostic.ts';
import type { Mutable } from '../lib/mutable.ts';
import { listWords, suggestClosest } from '../lib/text.ts';
import { describePath, describeValue, isMapping, type Mapping, mappingIn, type Path } from '../lib/unknown-values.ts';
import { parseAddress } from '../net/address.ts';
import type { CompileOptions, IptablesOptions } from '../options.ts';
import { type BindAddress, bindAddressProblem, parseBindAddress, servers } from './bind-address.ts';
import {
  addressProblem,
  clusterCIDRsProblem,
  detectLocalModes,
  interfaceNameProblem,
  markBitProblem,
  nodeNameProblem,
  nodePortAddressProblem,
} from './check-options.ts';
import { unusedGates } from './kube-proxy-fields.ts';
import { parseDuration } from './parse-duration.ts';

/** Options under construction. */
type Draft = Partial<Mutable<CompileOptions>>;

/** The options that a KubeProxyConfiguration sets. Invalid values are reported and left out. */
export function configOptions(config: Mapping, report: Report): Partial<CompileOptions> {
  const draft: Draft = {};
  readNode(config, draft, report);
  readClusterCIDR(config, draft, report);
  readDetectLocal(config, draft, report);
  readNodePortAddresses(config, draft, report);
  readMasquerading(config, draft, report);
  readFeatureGates(config, draft, report);
  checkMode(config, report);
  return draft;
}

function readNode(config: Mapping, draft: Draft, report: Report): void {
  const nodeName = textOf(config, 'hostnameOverride').trim().toLowerCase();
  if (nodeName !== '' && isAccepted(nodeNameProblem(nodeName), ['hostnameOverride'], report)) {
    draft.nodeName = nodeName;
  }
  const bindAddress = textOf(config, 'bindAddress');
  if (bindAddress !== '' && isAccepted(addressProblem(bindAddress), ['bindAddress'], report)) {
    const address = addressOfNode(bindAddress);
    if (address !== undefined) {
      draft.bindAddress = address;
    }
  }
}

/** The address of the node that a bindAddress says; none for what means all addresses. */
export function addressOfNode(bindAddress: string): string | undefined {
  const address = parseAddress(bindAddress)?.text;
  return address === '0.0.0.0' || address === '::' ? undefined : address;
}

function readClusterCIDR(config: Mapping, draft: Draft, report: Report): void {
  const text = textOf(config, 'clusterCIDR');
  const cidrs = text.split(',').map((part) => part.trim());
  if (text !== '' && isAccepted(clusterCIDRsProblem(cidrs), ['clusterCIDR'], report)) {
    draft.clusterCIDRs = cidrs;
  }
}

const interfaceFields = [
  { field: 'bridgeInterface', mode: 'BridgeInterface' },
  { field: 'interfaceNamePrefix', mode: 'InterfaceNamePrefix' },
] as const;

function readDetectLocal(config: Mapping, draft: Draft, report: Report): void {
  const text = textOf(config, 'detectLocalMode');
  const mode = detectLocalModes.find((word) => word === text);
  if (mode === undefined && text !== '') {
    report('invalid-config', ['detectLocalMode'], describeWord('detectLocalMode', text, detectLocalModes));
  }
  for (const { field, mode: owner } of interfaceFields) {
    const name = textOf(config['detectLocal'], field);
    if (name !== '' && mode !== owner) {
      const found = `${describePath(['detectLocal', field])} is ${describeValue(name)}`;
      const message = `${found}, which has an effect only with detectLocalMode ${owner}`;
      report('config-without-effect', ['detectLocal', field], message);
    }
  }
  const owned = interfaceFields.find((candidate) => candidate.mode === mode);
  if (owned) {
    readInterface(config, owned, draft, report);
  } else if (mode) {
    draft.detectLocalMode = mode;
  }
}

/** The mode is used only with a valid name. */
function readInterface(
  config: Mapping,
  { field, mode }: (typeof interfaceFields)[number],
  draft: Draft,
  report: Report,
): void {
  const name = textOf(config['detectLocal'], field);
  const path = ['detectLocal', field];
  if (name === '') {
    report('invalid-config', path, `${describePath(path)} is empty; detectLocalMode ${mode} requires it`);
  } else if (isAccepted(interfaceNameProblem(name), path, report)) {
    draft.detectLocalMode = mode;
    draft.detectLocalInterface = name;
  }
}

function readNodePortAddresses(config: Mapping, draft: Draft, report: Report): void {
  const value = config['nodePortAddresses'];
  const texts = Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  const good = texts.filter((text, index) =>
    isAccepted(nodePortAddressProblem(text), ['nodePortAddresses', index], report),
  );
  if (good.length > 0) {
    draft.nodePortAddresses = good;
  }
}

/** What both modes have in a section of their own; without that of iptables mode, its rules follow the other one. */
function readMasquerading(config: Mapping, draft: Draft, report: Report): void {
  Object.assign(draft, masqueradingOf(config, 'nftables', report));
  const ofMode = masqueradingOf(config, 'iptables', report);
  const others: Mapping = { ...modeDefaults, ...draft };
  for (const [field, value] of Object.entries(ofMode).filter(([name, found]) => found !== others[name])) {
    const what = `iptables.${field} is ${value}, which has an effect only with --target iptables`;
    report('config-without-effect', ['iptables', field], `${what}; set nftables.${field} for nftables`);
  }
  const { localhostNodePorts } = mappingIn(config, 'iptables');
  const iptables = {
    ...(textOf(config, 'mode') === 'iptables' && { ...modeDefaults, localhostNodePorts: true }),
    ...ofMode,
    ...(typeof localhostNodePorts === 'boolean' && { localhostNodePorts }),
  };
  if (Object.keys(iptables).length > 0) {
    draft.iptables = iptables;
  }
}

const modeDefaults = { masqueradeAll: false, masqueradeBit: 14 } as const;

function masqueradingOf(config: Mapping, mode: 'nftables' | 'iptables', report: Report): IptablesOptions {
  const { masqueradeAll, masqueradeBit } = mappingIn(config, mode);
  const isBit = typeof masqueradeBit === 'number' && Number.isInteger(masqueradeBit);
  return {
    ...(typeof masqueradeAll === 'boolean' && { masqueradeAll }),
    ...(isBit && isAccepted(markBitProblem(masqueradeBit), [mode, 'masqueradeBit'], report) && { masqueradeBit }),
  };
}

function readFeatureGates(config: Mapping, draft: Draft, report: Report): void {
  const gates = isMapping(config['featureGates']) ? Object.entries(config['featureGates']) : [];
  if (gates.every((gate): gate is [string, boolean] => typeof gate[1] === 'boolean')) {
    Object.assign(draft, gateOptions(new Map(gates), report));
  }
}

/** The gate of kube-proxy 1.36 that turns off spec.externalIPs (KEP-5707). */
const externalIPsGate = 'AllowServiceExternalIPs';

/** The gate of kube-proxy 1.37 that turns on node ports at loopback addresses (KEP-6032). */
const localhostGate = 'KubeProxyNFTablesLocalhostNodePorts';

/** What feature gates of kube-proxy set, by their names. Those that nothing depends on are reported. */
export function gateOptions(gates: ReadonlyMap<string, boolean>, report: Report): Partial<CompileOptions> {
  for (const [gate, value] of gates) {
    const { is, why } = Object.hasOwn(unusedGates, gate) ? (unusedGates[gate] ?? unknownGate) : unknownGate;
    if (gate !== externalIPsGate && gate !== localhostGate && is !== value) {
      const path = ['featureGates', gate];
      report('config-without-effect', path, `${describePath(path)} is ${value}, which has no effect: ${why}`);
    }
  }
  const servesExternalIPs = gates.get(externalIPsGate);
  const hasLocalhostNodePorts = gates.get(localhostGate);
  return {
    ...(servesExternalIPs !== undefined && { allowServiceExternalIPs: servesExternalIPs }),
    ...(hasLocalhostNodePorts !== undefined && { localhostNodePorts: hasLocalhostNodePorts }),
  };
}

const unknownGate = { is: undefined, why: 'nothing here depends on it' } as const;

/** How often an agent syncs, in milliseconds; absent for its own default. */
export interface SyncPeriods {
  /** Before a failed sync is tried again. kube-proxy compares nothing in this interval, in spite of its name. */
  readonly syncPeriod?: number;
  /** For how long changes are collected at most. */
  readonly minSyncPeriod?: number;
}

/** The periods of nftables mode. As in kube-proxy, 0 means the default. Invalid values are reported and left out. */
export function readSyncPeriods(config: Mapping, report: Report): SyncPeriods {
  const read = (field: string): number => {
    const period = (parseDuration(textOf(config['nftables'], field)) ?? 0) / 1e6;
    return isAccepted(periodProblem(period), ['nftables', field], report) ? period : 0;
  };
  const [syncPeriod, minSyncPeriod] = [read('syncPeriod'), read('minSyncPeriod')];
  if (syncPeriod > 0 && minSyncPeriod > syncPeriod) {
    report(
      'invalid-config',
      ['nftables', 'minSyncPeriod'],
      'nftables.minSyncPeriod is longer than nftables.syncPeriod',
    );
    return { syncPeriod };
  }
  return { ...(syncPeriod > 0 && { syncPeriod }), ...(minSyncPeriod > 0 && { minSyncPeriod }) };
}

/** Where an agent serves HTTP. */
export interface ServerAddresses {
  /** Its health. */
  readonly healthz: BindAddress;
  readonly metrics: BindAddress;
}

/** The addresses of servers, kube-proxy's by default. An invalid one is reported and replaced by the default. */
export function readServerAddresses(config: Mapping, report: Report): ServerAddresses {
  const family = textOf(config, 'bindAddress').includes(':') ? 'ip6' : 'ip';
  const read = ({ field, port, defaults }: (typeof servers)[keyof typeof servers]): BindAddress => {
    const text = textOf(config, field);
    const given = text !== '' && isAccepted(bindAddressProblem(text), [field], report) ? text : defaults[family];
    return parseBindAddress(given, port) ?? { address: undefined, port };
  };
  return { healthz: read(servers.healthz), metrics: read(servers.metrics) };
}

/** What is wrong with a period in milliseconds, which a timer has to take. */
export function periodProblem(period: number): string | undefined {
  return period >= 0 && period <= 2 ** 31 - 1 ? undefined : 'expected a duration from 0 to 24 days';
}

const modes = ['nftables', 'iptables', 'ipvs', 'kernelspace', 'userspace'];

function checkMode(config: Mapping, report: Report): void {
  const mode = textOf(config, 'mode');
  if (mode === '' || mode === 'nftables') {
    return;
  }
  if (modes.includes(mode)) {
    const follows = mode === 'iptables' ? 'without --target iptables, svc2nft follows' : 'svc2nft always follows';
    report('config-without-effect', ['mode'], `mode is ${describeValue(mode)}; ${follows} kube-proxy's nftables mode`);
  } else {
    report('invalid-config', ['mode'], describeWord('mode', mode, modes));
  }
}

function describeWord(field: string, text: string, words: readonly string[]): string {
  const closest = suggestClosest(text, words);
  const suggestion = closest === undefined ? '' : `; did you mean ${closest}?`;
  return `${field} is ${describeValue(text)}; possible values are ${listWords(words)}${suggestion}`;
}

/** The text at a key, or an empty one. Null and absent mean the same, and other types are reported elsewhere. */
export function textOf(values: unknown, key: string): string {
  const value = isMapping(values) ? values[key] : undefined;
  return typeof value === 'string' ? value : '';
}

/** Whether there is no problem; else it is reported. */
export function isAccepted(problem: string | undefined, path: Path, report: Report): boolean {
  if (problem !== undefined) {
    report('invalid-config', path, `${describePath(path)}: ${problem}`);
  }
  return problem === undefined;
}
