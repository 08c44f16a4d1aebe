import { Command, Option } from 'commander';
import type { VerifyFlags } from '../run-verify.ts';
import type { Streams } from '../streams.ts';
import { addCompileOptions } from './compile-options.ts';

const examples = `Examples:
  svc2nft verify dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16    what compile prints for the snapshot
  svc2nft verify dump.yaml --node worker-1 --ruleset kernel                what is loaded now; needs root
  svc2nft verify dump.yaml --node worker-1 --ruleset rules.nft             what compile or nft list wrote to a file
  svc2nft verify dump.yaml --node worker-1 -o json | jq '.tables[].faults[] | select(.service == "shop/web:http")'
`;

const exitText = `
What should be is derived from the Services and EndpointSlices a second time, without the code that makes rules. Then first
packets of connections are walked through the ruleset: to every address, port and node port, from pods, the node, clients
outside and from endpoints to themselves; and to where nobody should answer: of node ports one of each kind, at addresses
of every kind and at those that rules name. Found are wrong, missing and unequal endpoints, lost or needless masquerading,
lost marks, refusals, source ranges, affinity, and everything in the table that no packet needs. Packets of connections
under way are not walked: rules of filter chains must begin with ct state new. A rule for an address of the node that the
snapshot does not name may stay unseen.

-o json prints {right, tables: [{family, table, frontends, endpoints, packets, right, faults: [{code, service, frontend,
message}]}]}; code is one of missing-table, not-understood, wrong-verdict, wrong-endpoint, unequal-shares, wrong-source,
wrong-mark, wrong-affinity, extra-frontend, extra-element, missing-element, dangling-chain, dangling-set, wrong-hook,
unreachable-rule, wrong-state, wrong-comment.

Exit codes: 0 right, 1 faults (also where the kernel has no table), 2 bad input or wrong usage, 3 nft or the kernel refused,
4 no permission or no nft.`;

/** `svc2nft verify`: whether a ruleset does what the snapshot asks for. */
export function verifyCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addCompileOptions(new Command('verify'))
    .summary('check a ruleset against the snapshot')
    .description('Checks that every Service is reached as it should be on this node, and nothing else is.')
    .option('--ruleset <file|kernel>', 'check this ruleset, or - for stdin; default: what compile prints')
    .addOption(
      new Option('-o, --output <format>', 'text: a line for each fault; json: for programs')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: VerifyFlags) => {
      const { runVerify } = await import('../run-verify.ts');
      setExitCode(await runVerify(paths, flags, streams));
    });
}
