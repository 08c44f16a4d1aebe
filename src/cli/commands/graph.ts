import { Command, Option } from 'commander';
import type { GraphFlags } from '../run-graph.ts';
import type { Streams } from '../streams.ts';
import { addCompileOptions } from './compile-options.ts';

const examples = `Examples:
  svc2nft graph dump.yaml --node worker-1 -o html --file graph.html       a page to search in, for any size of cluster
  svc2nft graph dump.yaml --node worker-1 --service shop/web              Mermaid, which GitHub shows in Markdown
  svc2nft graph dump.yaml --node worker-1 -n shop -o svg --file shop.svg  a picture of one namespace
`;

const exitText = `
The input should hold Pods and all Nodes besides Services and EndpointSlices: without them, names of pods and zones come
from the slices alone. The page needs no network and sends nothing.

Exit codes: 0 done, 1 bad input or no such Service, 2 wrong usage, 4 the output may not be written.`;

/** `svc2nft graph`: draws who serves whom. */
export function graphCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addCompileOptions(new Command('graph'))
    .summary('draw Services, their frontends and endpoints')
    .description(
      'Draws frontends, Services and endpoints by zone and node, with the share of connections on each arrow.',
    )
    .addOption(
      new Option('-o, --output <format>', 'mermaid, dot (Graphviz), svg, or html: one page with search')
        .choices(['mermaid', 'dot', 'svg', 'html'])
        .default('mermaid'),
    )
    .option('--file <file>', 'write to this file and not to stdout')
    .option('-n, --namespace <name>', 'only Services of this namespace; may be repeated', addTo)
    .option('--service <[namespace/]name>', 'only this Service; may be repeated', addTo)
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: GraphFlags) => {
      const { runGraph } = await import('../run-graph.ts');
      setExitCode(await runGraph(paths, flags, streams));
    });
}

function addTo(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
