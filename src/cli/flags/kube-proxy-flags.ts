import { type Command, Option } from 'commander';
import { nodeNameProblem } from '../../config/check-options.ts';
import {
  type ConntrackSettings,
  countProblem,
  type KubeProxySettings,
  oomScoreProblem,
  secondsOf,
  secondsProblem,
} from '../../config/kube-proxy-settings.ts';
import type { Report } from '../../diagnostics/diagnostic.ts';
import { checkedText } from './compile-flags.ts';

/** Flags that kube-proxy has, besides those about rules; those not given are absent. */
export interface KubeProxyFlags {
  readonly hostnameOverride?: string;
  readonly proxyMode?: string;
  readonly bindAddressHardFail?: true;
  readonly oomScoreAdj?: number;
  readonly conntrackMaxPerCore?: number;
  readonly conntrackMin?: number;
  readonly conntrackTcpTimeoutEstablished?: number;
  readonly conntrackTcpTimeoutCloseWait?: number;
  readonly conntrackTcpBeLiberal?: true;
  readonly conntrackUdpTimeout?: number;
  readonly conntrackUdpTimeoutStream?: number;
}

/** Adds the flags about the kernel of this machine. Without them and without a configuration, nothing is set. */
export function addKernelOptions(command: Command): Command {
  return command
    .optionsGroup('Kernel:')
    .option(
      '--conntrack-max-per-core <number>',
      'connections to track for each CPU, at least --conntrack-min in all; 0 leaves the limit as it is',
      readInteger(countProblem),
    )
    .option('--conntrack-min <number>', 'connections to track at least', readInteger(countProblem))
    .option(
      '--conntrack-tcp-timeout-established <duration>',
      'how long an idle TCP connection is tracked; 0 leaves it as it is, here and below',
      readSeconds,
    )
    .option(
      '--conntrack-tcp-timeout-close-wait <duration>',
      'how long a TCP connection is tracked that one side has closed',
      readSeconds,
    )
    .option('--conntrack-tcp-be-liberal', 'TCP packets outside of the window belong to their connection, too')
    .option('--conntrack-udp-timeout <duration>', 'how long a UDP flow without an answer is tracked', readSeconds)
    .option('--conntrack-udp-timeout-stream <duration>', 'how long a UDP flow with answers is tracked', readSeconds)
    .option(
      '--oom-score-adj <number>',
      'how ready the kernel is to kill the agent when memory runs out, -1000 to 1000',
      readInteger(oomScoreProblem),
    );
}

/** Two flags that only have other names than those of svc2nft. */
export function addAliasOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--hostname-override <name>', 'the same as --node, as for kube-proxy')
        .argParser((value) => checkedText(nameProblem)(value).trim().toLowerCase())
        .conflicts('node'),
    )
    .addOption(
      new Option('--proxy-mode <mode>', 'for command lines of kube-proxy; rules are always those of nftables').choices([
        'nftables',
        'iptables',
        'ipvs',
      ]),
    );
}

function nameProblem(text: string): string | undefined {
  const name = text.trim().toLowerCase();
  return name === '' ? undefined : nodeNameProblem(name);
}

function readInteger(problemOf: (value: number) => string | undefined): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    checkedText(() => problemOf(value))(text);
    return value;
  };
}

function readSeconds(text: string): number {
  return secondsOf(checkedText(secondsProblem)(text));
}

/**
 * The settings of a configuration file, with those of the command line in their place.
 *
 * @param report receives what has no effect.
 */
export function withKubeProxyFlags(
  configured: KubeProxySettings,
  flags: KubeProxyFlags,
  report: Report,
): KubeProxySettings {
  if (flags.proxyMode !== undefined && flags.proxyMode !== 'nftables') {
    const message = `--proxy-mode is ${flags.proxyMode}; svc2nft always follows kube-proxy's nftables mode`;
    report('config-without-effect', [], message);
  }
  const { oomScoreAdj, bindAddressHardFail } = flags;
  const conntrack: ConntrackSettings = {
    ...configured.conntrack,
    ...(flags.conntrackMaxPerCore !== undefined && { maxPerCore: flags.conntrackMaxPerCore }),
    ...(flags.conntrackMin !== undefined && { min: flags.conntrackMin }),
    ...(flags.conntrackTcpTimeoutEstablished !== undefined && {
      tcpEstablishedTimeout: flags.conntrackTcpTimeoutEstablished,
    }),
    ...(flags.conntrackTcpTimeoutCloseWait !== undefined && {
      tcpCloseWaitTimeout: flags.conntrackTcpTimeoutCloseWait,
    }),
    ...(flags.conntrackUdpTimeout !== undefined && { udpTimeout: flags.conntrackUdpTimeout }),
    ...(flags.conntrackUdpTimeoutStream !== undefined && { udpStreamTimeout: flags.conntrackUdpTimeoutStream }),
    ...(flags.conntrackTcpBeLiberal !== undefined && { tcpBeLiberal: true }),
  };
  return {
    ...configured,
    conntrack,
    ...(oomScoreAdj !== undefined && { oomScoreAdj }),
    ...(bindAddressHardFail !== undefined && { bindAddressHardFail }),
  };
}
