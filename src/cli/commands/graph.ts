import { Command, Option } from 'commander';
import { graphFormats } from '../choose-graph-format.ts';
import { checkedText } from '../option-values.ts';
import { outputFileProblem } from '../output-file-problem.ts';
import type { GraphFlags } from '../run-graph.ts';
import { addServiceFilters } from '../service-filters.ts';
import type { Streams } from '../streams.ts';
import { addCompileOptions } from './compile-options.ts';

const examples = `Examples:
  svc2nft graph dump.yaml --node worker-1 --file graph.html        a page to search in, for any size of cluster
  svc2nft graph dump.yaml --node worker-1 --service shop/web       Mermaid, which GitHub shows in Markdown
  svc2nft graph dump.yaml --node worker-1 -n shop --file shop.svg  a picture of one namespace
`;

const exitText = `
The ending of FILE chooses the format: .mmd and .mermaid for Mermaid, .md for Mermaid in a block of Markdown, .dot and .gv,
.svg, .html and .htm. With any other ending, and for stdout, it is Mermaid unless -o says otherwise. FILE may not be one of
the input's own.

The input should hold Pods and all Nodes besides Services and EndpointSlices: without them, names of pods and zones come
from the slices alone. The page needs no network and sends nothing.

Exit codes: 0 done, 1 bad input or no such Service, 2 wrong usage, 4 the output may not be written.`;

/** `svc2nft graph`: draws who serves whom. */
export function graphCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addServiceFilters(addCompileOptions(new Command('graph')))
    .summary('draw Services, their frontends and endpoints')
    .description(
      'Draws frontends, Services and endpoints by zone and node, with the share of connections on each arrow.',
    )
    .addOption(
      new Option(
        '-o, --output <format>',
        'mermaid, dot (Graphviz), svg, or html: one page with search (default: by the ending of --file, else mermaid)',
      ).choices(graphFormats),
    )
    .option(
      '--file <file>',
      'write to this file and not to stdout; its ending chooses the format',
      checkedText(outputFileProblem),
    )
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: GraphFlags) => {
      const { runGraph } = await import('../run-graph.ts');
      setExitCode(await runGraph(paths, flags, streams));
    });
}
