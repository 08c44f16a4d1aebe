import type { Report } from '../diagnostics/diagnostic.ts';
import type { Mutable } from '../lib/mutable.ts';
import { isMapping, type Mapping } from '../lib/unknown-values.ts';
import { isAccepted, textOf } from './config-options.ts';
import { parseDuration } from './parse-duration.ts';

/** What concerns an agent alone, besides its periods and servers; what is absent is left as it is. */
export interface KubeProxySettings {
  /** The kubeconfig that leads to the API server. */
  readonly kubeconfig?: string;
  /** Whether the agent ends when the port of one of its own servers cannot be opened. */
  readonly bindAddressHardFail?: boolean;
  readonly conntrack?: ConntrackSettings;
  /** How ready the kernel is to kill the agent when memory runs out, -1000 to 1000. */
  readonly oomScoreAdj?: number;
}

/** What the kernel's connection tracking is set to. Times are in seconds, and 0 leaves one as it is, as in kube-proxy. */
export interface ConntrackSettings {
  /** How many connections can be tracked for each CPU; 0 leaves the limit as it is. */
  readonly maxPerCore?: number;
  /** How many connections can be tracked at least. */
  readonly min?: number;
  readonly tcpEstablishedTimeout?: number;
  readonly tcpCloseWaitTimeout?: number;
  readonly udpTimeout?: number;
  readonly udpStreamTimeout?: number;
  /** Whether TCP packets outside of the window belong to their connection, too. False leaves it as it is. */
  readonly tcpBeLiberal?: boolean;
}

/** The settings of a KubeProxyConfiguration. Invalid values are reported and left out. */
export function readKubeProxySettings(config: Mapping, report: Report): KubeProxySettings {
  const kubeconfig = textOf(config['clientConnection'], 'kubeconfig');
  const { oomScoreAdj, bindAddressHardFail } = config;
  const conntrack = readConntrack(isMapping(config['conntrack']) ? config['conntrack'] : {}, report);
  return {
    ...(kubeconfig !== '' && { kubeconfig }),
    ...(typeof bindAddressHardFail === 'boolean' && { bindAddressHardFail }),
    ...(Object.keys(conntrack).length > 0 && { conntrack }),
    ...(isInteger(oomScoreAdj) && isAccepted(oomScoreProblem(oomScoreAdj), ['oomScoreAdj'], report) && { oomScoreAdj }),
  };
}

const countFields = ['maxPerCore', 'min'] as const;
const timeFields = ['tcpEstablishedTimeout', 'tcpCloseWaitTimeout', 'udpTimeout', 'udpStreamTimeout'] as const;

function readConntrack(values: Mapping, report: Report): ConntrackSettings {
  const settings: Mutable<ConntrackSettings> = {};
  for (const field of countFields) {
    const count = values[field];
    if (isInteger(count) && isAccepted(countProblem(count), ['conntrack', field], report)) {
      settings[field] = count;
    }
  }
  for (const field of timeFields) {
    const text = textOf(values, field);
    // What is not a duration is reported elsewhere.
    if (parseDuration(text) !== undefined && isAccepted(secondsProblem(text), ['conntrack', field], report)) {
      settings[field] = secondsOf(text);
    }
  }
  if (typeof values['tcpBeLiberal'] === 'boolean') {
    settings.tcpBeLiberal = values['tcpBeLiberal'];
  }
  return settings;
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

/** What is wrong with oomScoreAdj, or undefined. */
export function oomScoreProblem(value: number): string | undefined {
  return Number.isInteger(value) && Math.abs(value) <= 1_000 ? undefined : 'expected an integer from -1000 to 1000';
}

/** What is wrong with a number of connections, or undefined. */
export function countProblem(value: number): string | undefined {
  const isCount = Number.isInteger(value) && value >= 0 && value <= 2 ** 31 - 1;
  return isCount ? undefined : 'expected an integer from 0 to 2147483647';
}

/** What is wrong with a time that the kernel counts in seconds, or undefined. */
export function secondsProblem(text: string): string | undefined {
  const seconds = (parseDuration(text) ?? -1) / 1e9;
  return seconds === 0 || (seconds >= 1 && seconds <= 2 ** 31 - 1)
    ? undefined
    : 'expected a duration of at least 1s, such as 90s or 1h, or 0 to leave it as it is';
}

/** The whole seconds of a duration. */
export function secondsOf(text: string): number {
  return Math.floor((parseDuration(text) ?? 0) / 1e9);
}
