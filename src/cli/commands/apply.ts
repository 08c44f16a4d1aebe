import { Command } from 'commander';
import type { ApplyFlags } from '../run-apply.ts';
import type { Streams } from '../streams.ts';
import { addCompileOptions } from './compile-options.ts';

const examples = `Examples:
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft apply --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft apply dump.yaml --node worker-1 --config kube-proxy.yaml --dry-run
`;

const exitText = `
The table of each family changes in one transaction, or not at all; no other table is touched, but one that has the name
of ours is taken for ours. Clients with affinity keep their endpoints. UDP flows to endpoints that are gone are deleted
from conntrack.

Exit codes: 0 done, 1 bad input (nothing is changed), 2 wrong usage, 3 nft or the kernel refused, or a Service had to be
left out, 4 no permission or no nft.`;

/** `svc2nft apply`: manifests in, rules in the kernel. */
export function applyCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addCompileOptions(new Command('apply'))
    .summary('make the kernel hold the ruleset of this node')
    .description(
      'Makes the kernel hold what `compile` prints: reads the tables, and sends what differs, in one transaction for each family.',
    )
    .option('--dry-run', 'let the kernel check the transactions, and change nothing')
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: ApplyFlags) => {
      const { runApply } = await import('../run-apply.ts');
      setExitCode(await runApply(paths, flags, streams));
    });
}
