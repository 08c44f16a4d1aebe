import { type Command, InvalidArgumentError, Option } from 'commander';

/** Which cluster, and how to be let in; those not given are absent. */
export interface ClusterFlags {
  readonly live?: true;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly server?: string;
  readonly tokenFile?: string;
  readonly certificateAuthority?: string;
}

/** Adds the flags of commands that read a cluster in place of files. */
export function addLiveOptions(command: Command): Command {
  command
    .optionsGroup('Cluster:')
    .option('--live', 'read the cluster that kubectl would use: KUBECONFIG, ~/.kube/config, or that of the Pod')
    .option('--kubeconfig <file>', 'read a cluster, by this kubeconfig')
    .option('--context <name>', 'read a cluster, by this context of the kubeconfig (default: its current one)');
  return addServerOptions(
    command,
    'read the cluster of this API server, in place of that of the kubeconfig or the Pod',
  );
}

/** Adds the flags of a command that always has a cluster. */
export function addClusterOptions(command: Command): Command {
  command
    .optionsGroup('Cluster:')
    .option('--kubeconfig <file>', 'how to reach the API server (default: as a Pod does)')
    .option('--context <name>', 'a context of the kubeconfig (default: its current one)');
  return addServerOptions(command, 'the API server, in place of that of the kubeconfig or the Pod');
}

function addServerOptions(command: Command, server: string): Command {
  const others = ['live', 'kubeconfig', 'context'];
  return command
    .option('--server <url>', server, checkServer)
    .addOption(
      new Option(
        '--token-file <file>',
        'without a kubeconfig: the token to send to --server (default: that of the Pod)',
      ).conflicts(others),
    )
    .addOption(
      new Option(
        '--certificate-authority <file>',
        'without a kubeconfig: certificates that --server may have (default: those of the Pod)',
      ).conflicts(others),
    );
}

function checkServer(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new InvalidArgumentError('expected a URL such as https://10.0.0.1:6443');
  }
  return value;
}

/** Whether a cluster is meant. */
export function namesCluster(flags: ClusterFlags): boolean {
  const { live, kubeconfig, context, server, tokenFile, certificateAuthority } = flags;
  return [live, kubeconfig, context, server, tokenFile, certificateAuthority].some((flag) => flag !== undefined);
}

/** The flags as words, for a command that reads the same cluster. */
export function clusterWords(flags: ClusterFlags): string[] {
  const one = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [flag, value]);
  return [
    ...(flags.live ? ['--live'] : []),
    ...one('--kubeconfig', flags.kubeconfig),
    ...one('--context', flags.context),
    ...one('--server', flags.server),
    ...one('--token-file', flags.tokenFile),
    ...one('--certificate-authority', flags.certificateAuthority),
  ];
}
