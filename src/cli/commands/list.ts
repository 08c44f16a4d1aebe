import { Command, Option } from 'commander';
import type { ListFlags } from '../run-list.ts';
import { addServiceFilters } from '../service-filters.ts';
import type { Streams } from '../streams.ts';
import { addCompileOptions } from './compile-options.ts';

const examples = `Examples:
  svc2nft list dump.yaml --node worker-1                      every address and port that Services answer at
  svc2nft list dump.yaml --node worker-1 -n shop -o wide      with endpoints in use and left out, and why
  svc2nft list dump.yaml --node worker-1 -o json | jq '.items[] | select(.refusal)'
  svc2nft list --kernel                                       what is loaded now; needs root, and no manifests
  watch svc2nft list --kernel --service shop/cart
`;

const exitText = `
A line is one frontend: an address and port, or a node port (*:30080/tcp, of IPv6 [*]:30080/tcp), of one service port.
  POLICY     the traffic policy that holds there, internal or external
  ENDPOINTS  how many endpoints somebody may reach through it; with policy Local, clients outside reach the LOCAL ones only
  LOCAL      how many of them run on this node
  USED       with -o wide: those endpoints; some only for clients outside, or only for pods and the node
  REMARK     why connections are refused, why endpoints are left out, who may connect, how long clients keep endpoints
Services that get no rules have a line with <none> as their frontend. The kernel does not know them, nor endpoints left out,
nor whether an address is a load balancer's unless it has source ranges (type External); an endpoint whose slice names no
node counts as local there. With --ruleset, only --table and --family of the options about rules matter. What stands in the
kernel's maps is listed, whether packets get that far or not: svc2nft diff and svc2nft verify find what others changed.

-o json and -o yaml print {node, tables: [{family, table, nodePortAddresses}], items: [...]}; an item has namespace,
service, portName, protocol, family, type, frontend, policy, refusal, givenTo, affinitySeconds, sourceRanges, endpointsUsed,
endpointsLocal, endpoints: [{endpoint, pod, node, zone, local, state, usedBy, leftOut}] and remarks.
-o name prints service:NAMESPACE/NAME:PORT, one for each service port.

Exit codes: 0 done, also when there is nothing to list; 1 bad input, nothing of the name that was asked for, or no such table;
2 wrong usage; 3 nft or the kernel refused; 4 no permission or no nft.`;

/** `svc2nft list`: frontends as a table. */
export function listCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addServiceFilters(addCompileOptions(new Command('list')))
    .summary('list where Services answer on this node')
    .description('Lists the frontends of Services on this node, with policies, endpoints and what is wrong with them.')
    .option('--kernel', 'the same as --ruleset kernel')
    .option('--ruleset <file|kernel>', 'list what these rules hold, or - for those on stdin, and read no manifests')
    .addOption(
      new Option('-o, --output <format>', 'wide: with endpoints; json, yaml: everything; name: for explain --to')
        .choices(['table', 'wide', 'json', 'yaml', 'name'])
        .default('table'),
    )
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: ListFlags) => {
      const { runList } = await import('../run-list.ts');
      setExitCode(await runList(paths, flags, streams));
    });
}
