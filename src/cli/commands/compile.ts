import { Command, Option } from 'commander';
import {
  addressProblem,
  clusterCIDRsProblem,
  nodeNameProblem,
  nodePortAddressProblem,
  tableNameProblem,
} from '../../config/value-problems.ts';
import { checkedList, checkedText, commaList } from '../option-values.ts';
import { runCompile } from '../run-compile.ts';
import type { Streams } from '../streams.ts';

const examples = `Examples:
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft compile --node worker-1
  svc2nft compile dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 | nft -f -
  svc2nft compile services.yaml slices.yaml --node worker-1 --node-ip 192.0.2.11 --node-ip 2001:db8::11
  svc2nft compile manifests/ --config kube-proxy.yaml --family ip6 -o rules.nft
`;

const exitText = `
Exit codes: 0 done, 1 bad input (nothing is printed but diagnostics on stderr), 2 wrong usage, 4 no permission to write.`;

/** `svc2nft compile`: manifests in, nft text out. */
export function compileCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command('compile')
    .summary('print the ruleset of one node')
    .description(
      "Compiles what `kubectl get services,endpointslices,nodes -A -o yaml` prints into the node's nftables ruleset.",
    )
    .argument('[PATH...]', 'file or folder of YAML or JSON, or - for stdin (the default)')
    .option(
      '--node <name>',
      'the node that the ruleset is for; default: the only Node of the input',
      checkedText(nodeNameProblem),
    )
    .option(
      '--node-ip <address>',
      'address of the node, the primary one of each family first; may be repeated, replaces those of the Node object',
      checkedList(addressProblem),
    )
    .option('--zone <name>', "the node's zone; replaces the label topology.kubernetes.io/zone")
    .option(
      '--config <file>',
      'a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1); the flags below override it',
    )
    .option(
      '--cluster-cidr <cidrs>',
      'ranges of the pods, at most one for each family, separated by commas',
      commaList(clusterCIDRsProblem),
    )
    .option(
      '--nodeport-addresses <list>',
      'where node ports are open: CIDRs, primary, localhost or all, separated by commas (default: primary)',
      commaList((texts) => texts.map(nodePortAddressProblem).find(Boolean)),
    )
    .option('--masquerade-all', 'masquerade everything that goes to cluster IPs')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(new Option('--family <family>', 'only the table of one family').choices(['ip', 'ip6']))
    .addOption(
      new Option(
        '--target-nft <version>',
        'oldest nft that must accept the output; from 1.1.3 on, affinity over IPv6 needs no chains of its own',
      ).choices(['1.0.6', '1.1.3']),
    )
    .option('--keep-going', 'leave invalid objects out and compile the rest')
    .option('-o, --output <file>', 'write the ruleset there instead of stdout')
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags) => setExitCode(await runCompile(paths, flags, streams)));
}
