import { extname } from 'node:path';
import { Command } from 'commander';
import { buildGraph, type IsSelected } from '../../inspect/graph/build-graph.ts';
import { buildRulesGraph } from '../../inspect/graph/build-rules-graph.ts';
import { makeDrawing } from '../../inspect/graph/drawing.ts';
import type { Graph } from '../../inspect/graph/graph.ts';
import { writeDot } from '../../inspect/graph/write-dot.ts';
import { writeMermaid } from '../../inspect/graph/write-mermaid.ts';
import type { PageContent } from '../../inspect/graph/write-page.ts';
import { readEndpointSources } from '../../kubernetes/endpoint-sources.ts';
import { selectServices } from '../../kubernetes/label-selector.ts';
import { readLocations } from '../../kubernetes/locations.ts';
import { unservedText } from '../../kubernetes/service-notes.ts';
import { countOf, escapeControls, listWords } from '../../lib/text.ts';
import { withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { namesCluster } from '../flags/cluster-flags.ts';
import { addSnapshotOptions, checkedText, inputPaths, type SnapshotFlags } from '../flags/compile-flags.ts';
import { addWatchOption, formatOption, type WatchFlags } from '../flags/general-flags.ts';
import { addServiceFilters, type ServiceFilters, unknownNames } from '../flags/service-filters.ts';
import {
  type Cluster,
  loadCluster,
  noteServices,
  notesOf,
  readsCluster,
  wantsStdinTwice,
} from '../input/load-cluster.ts';
import { explainCommandOf, loadNodeGraphs } from '../input/load-node-graphs.ts';
import { loadListedTables, warnAboutDeviations } from '../input/load-tables.ts';
import { openRules } from '../input/open-rules.ts';
import { runWatched } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { writeSvg } from '../output/lay-out-svg.ts';
import { outputFileProblem, overwritesInput, writeOutput } from '../output/write-output.ts';
import { writeGraphPage } from '../output/write-pages.ts';

const examples = `
  svc2nft graph dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --file graph.html        a searchable page, for clusters of any size
  svc2nft graph dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --service shop/web       Mermaid, which GitHub shows in Markdown
  svc2nft graph --live --cluster-cidr 10.244.0.0/16 --file graph.html                           the cluster that kubectl uses
  svc2nft graph dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --ruleset kernel         what the loaded rules do, also those of kube-proxy; needs root
  svc2nft graph dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 -n shop --file shop.svg  a picture of one namespace
  svc2nft graph --ruleset kernel --file graph.html                                              the loaded rules alone, without manifests; needs root
`;

const notes = `
The extension of FILE selects the format: .mmd and .mermaid for Mermaid, .md for Mermaid in a Markdown code block, .dot and
.gv for Graphviz, .svg, .html and .htm. A file without an extension and stdout get Mermaid, unless -o says otherwise; any other
extension needs -o. Extensions of formats that are not written, such as .png and .pdf, are refused: convert the SVG. FILE may
not be one of the input files.

The input should contain Pods and all Nodes besides Services and EndpointSlices: without them, names of pods and zones come
from the slices alone.

With --ruleset and neither PATH nor --live, rules are drawn alone: without names of Pods and other nodes, endpoints that are left out, and
Services without rules. What nft does not tell apart is an external address: a load balancer IP or an external IP.

Refusals have their reason and the frontends that they concern; Services without rules have a box of their own. The HTML page
works offline and sends nothing. Without --ruleset it has the rules of every Node of the input (at most 50, fewer in large clusters: it says how
many are missing) and copies the explain command of each arrow. SVG is light or dark as the viewer prefers.
`;

/** `svc2nft graph`: draws frontends, Services and endpoints. */
export function graphCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addServiceFilters(addSnapshotOptions(new Command('graph')))
    .description(
      'Draws frontends, Services and endpoints by zone and node, with the share of connections on each arrow.',
    )
    .optionsGroup('Input:')
    .option(
      '--ruleset <file|kernel>',
      'draw what these rules of nft or iptables do, also those of kube-proxy, instead of those of the snapshot; without PATH, from the rules alone',
    )
    .optionsGroup('Output:')
    .addOption(
      formatOption(
        'mermaid, dot (Graphviz), svg, or html: a searchable page (default: by the extension of --file, else mermaid)',
        graphFormats,
        true,
      ),
    )
    .option(
      '--file <file>',
      'write to this file instead of stdout; its extension selects the format',
      checkedText(outputFileProblem),
    )
    .action(async (paths: string[], flags: GraphFlags) => {
      const inputs = inputPaths(paths, flags);
      const isLive = readsCluster(inputs, flags, context);
      const watched = { watch: flags.watch, isLive, paths: inputs, others: [flags.config, flags.ruleset] };
      setExitCode(await runWatched(watched, context, () => runGraph(inputs, flags, context)));
    });
  return addHelpTexts(addWatchOption(command), { notes, examples });
}

/** The flags of `svc2nft graph`. */
interface GraphFlags extends SnapshotFlags, WatchFlags, ServiceFilters {
  /** Absent: by the extension of the file. */
  readonly output?: GraphFormat;
  readonly file?: string;
  /** A file, `-` or `kernel`; absent for what the snapshot compiles to. */
  readonly ruleset?: string;
}

/** Arrows that a drawing may have before it is hard to read. */
const mostReadable = 500;

/** Mermaid's defaults (maxEdges, maxTextSize), which GitHub does not change. */
const mermaidLimits = { arrows: 500, characters: 50_000 } as const;

/** Arrows that a picture may have: laying out so many takes some seconds, many more take minutes and cannot be interrupted. */
const mostLaidOut = 1_000;

/** Draws the graph; resolves to the exit code. */
async function runGraph(paths: readonly string[], flags: GraphFlags, context: Context): Promise<number> {
  const chosen = chooseGraphFormat(flags.output, flags.file);
  if ('problem' in chosen) {
    context.stderr.write(`error: ${chosen.problem} (see --help)\n`);
    return exitCodes.wrongUsage;
  }
  const isToStdout = flags.file === undefined || flags.file === '-';
  if (chosen.format === 'html' && isToStdout && context.stdout.isTTY === true) {
    context.stderr.write(
      'error: an HTML page cannot be shown in a terminal: use --file graph.html or redirect stdout\n',
    );
    return exitCodes.wrongUsage;
  }
  const isAboutRules = flags.ruleset !== undefined && paths.length === 0 && !readsCluster(paths, flags, context);
  const drawn = await (isAboutRules ? drawRules(flags, context) : drawSnapshot(paths, flags, context));
  if (typeof drawn === 'number') {
    return drawn;
  }
  const { servicePorts, unserved } = drawn.graph;
  if (servicePorts.length + unserved.length === 0) {
    const which = flags.selector ? 'Service with the labels that -l asks for' : 'Service in the input';
    context.stderr.write(`nothing to draw: no ${which} has rules on this node\n`);
  }
  const text = await write(drawn, chosen, context);
  return text === undefined ? exitCodes.wrongUsage : writeOutput(text, flags.file, context);
}

/** A graph, and the page that has it. */
interface Drawn {
  readonly graph: Graph;
  readonly pageOf: () => PageContent;
}

/** What rules alone say; the exit code after a message on stderr where they cannot be drawn. */
async function drawRules(flags: GraphFlags, context: Context): Promise<Drawn | number> {
  const { ruleset = '', family, table } = flags;
  if (flags.selector !== undefined) {
    context.stderr.write('error: -l needs manifests, because rules do not show the labels of Services (see --help)\n');
    return exitCodes.wrongUsage;
  }
  if (await overwritesInput(flags.file, { paths: [ruleset], config: undefined, documents: [] }, context)) {
    return exitCodes.wrongUsage;
  }
  const rules = await openRules(ruleset, context);
  if (typeof rules === 'number') {
    return rules;
  }
  const { families } = withDefaults({ ...(family && { families: [family] }) });
  const tables = await loadListedTables(rules, { families, table, takesIptables: true }, context);
  if (typeof tables === 'number') {
    return tables;
  }
  warnAboutDeviations(tables, context);
  const { hostName = '', addresses = [] } = rules.machine ?? {};
  const owner = {
    nodeName: flags.node ?? hostName,
    addresses: flags.nodeIp ?? addresses,
  };
  const rulesets = tables.map((listed) => listed.ruleset);
  const isSelected = chooseServices(buildRulesGraph(rulesets, owner).servicePorts, flags, context);
  if (!isSelected) {
    return exitCodes.badInput;
  }
  const graph = buildRulesGraph(rulesets, owner, isSelected);
  const source = ruleset === '-' ? 'stdin' : escapeControls(ruleset);
  const explain = explainCommandOf([], flags);
  return { graph, pageOf: () => ({ source, graphs: [{ graph, explain }], otherNodes: 0 }) };
}

/** What a snapshot says, or rules with a snapshot; the exit code after a message on stderr. */
async function drawSnapshot(paths: readonly string[], flags: GraphFlags, context: Context): Promise<Drawn | number> {
  const cluster = await loadGraphed(paths, flags, context);
  if (typeof cluster === 'number') {
    return cluster;
  }
  if (await overwritesInput(flags.file, { paths, config: flags.config, documents: cluster.documents }, context)) {
    return exitCodes.wrongUsage;
  }
  const { documents } = cluster;
  const served = cluster.views.flatMap(({ servicePorts }) => servicePorts);
  const isSelected = chooseServices(served, flags, context, cluster);
  if (!isSelected) {
    return exitCodes.badInput;
  }
  const sources = {
    locations: readLocations(documents),
    endpointSources: readEndpointSources(documents),
    notes: notesOf(cluster),
  };
  const graph = buildGraph({ ...cluster, ...sources }, isSelected);
  const isKubectls = readsCluster(paths, flags, context) && !namesCluster(flags);
  const again = isKubectls ? { ...flags, live: true as const } : flags;
  // The rules that are given are those of one node.
  const drawn = flags.ruleset === undefined ? cluster : { ...cluster, documents: [] };
  const pageOf = (): PageContent =>
    loadNodeGraphs({ first: graph, cluster: drawn, sources, isSelected, paths, flags: again });
  return { graph, pageOf };
}

/** The cluster, with the rules that are drawn; the exit code after a message on stderr where one of them cannot be read. */
async function loadGraphed(paths: readonly string[], flags: GraphFlags, context: Context): Promise<Cluster | number> {
  const { ruleset, table } = flags;
  const inputs = paths.length === 0 && !readsCluster(paths, flags, context) ? ['-'] : paths;
  if (wantsStdinTwice(inputs, { flag: '--ruleset', value: ruleset }, context)) {
    return exitCodes.wrongUsage;
  }
  const rules = ruleset === undefined ? undefined : await openRules(ruleset, context);
  if (typeof rules === 'number') {
    return rules;
  }
  const cluster = await loadCluster(paths, flags, context, {
    needs: { allNodes: true, pods: true },
    rulesOf: rules?.machine,
  });
  if (typeof cluster === 'number') {
    await noteServices(paths, context);
    return cluster;
  }
  if (!rules) {
    return cluster;
  }
  const tables = await loadListedTables(
    rules,
    { families: cluster.options.families, table, takesIptables: true },
    context,
  );
  if (typeof tables === 'number') {
    return tables;
  }
  warnAboutDeviations(tables, context);
  return { ...cluster, rulesets: tables.map((listed) => listed.ruleset) };
}

/** Undefined, after a message, if the graph is too large. */
async function write(
  { graph, pageOf }: Drawn,
  { format, isMarkdown }: Extract<ChosenFormat, { format: GraphFormat }>,
  context: Context,
): Promise<string | undefined> {
  if (format === 'html') {
    return writeGraphPage(pageOf());
  }
  const text = await draw(graph, format, context);
  // No label has a backtick: Mermaid gets it as a number.
  return text !== undefined && isMarkdown ? `\`\`\`mermaid\n${text}\`\`\`\n` : text;
}

/** Undefined, after a message, if the graph is too large. */
async function draw(
  graph: Graph,
  format: Exclude<GraphFormat, 'html'>,
  { stderr }: Context,
): Promise<string | undefined> {
  const drawing = makeDrawing(graph);
  const arrows = drawing.arrows.length;
  const size = `${countOf(drawing.servicePorts.length, 'service port')} and ${countOf(arrows, 'arrow')}`;
  const advice = 'select some with -n or --service, or use -o html, which works for any size';
  if (format === 'svg' && arrows > mostLaidOut) {
    stderr.write(
      `error: ${size} are too many for a picture; the limit is ${countOf(mostLaidOut, 'arrow')}: ${advice}\n`,
    );
    return undefined;
  }
  const text = format === 'mermaid' ? writeMermaid(drawing) : writeDot(drawing);
  if (format === 'mermaid' && (arrows > mermaidLimits.arrows || text.length > mermaidLimits.characters)) {
    const limits = `${countOf(mermaidLimits.arrows, 'arrow')} or ${countOf(mermaidLimits.characters, 'character')}`;
    stderr.write(
      `warning: GitHub does not draw Mermaid with more than ${limits}; ${size} take ${countOf(text.length, 'character')}: ${advice}\n`,
    );
  } else if (arrows > mostReadable) {
    stderr.write(`warning: a drawing of ${size} is hard to read: ${advice}\n`);
  }
  return format === 'svg' ? writeSvg(graph) : text;
}

/** What a graph can be written as. */
const graphFormats = ['mermaid', 'dot', 'svg', 'html'] as const;

/** One of these. */
type GraphFormat = (typeof graphFormats)[number];

/** The format of a graph, and whether it is a block within Markdown; or what is wrong with the flags. */
type ChosenFormat = { readonly format: GraphFormat; readonly isMarkdown: boolean } | { readonly problem: string };

/** File extensions and their formats. */
const endings: ReadonlyMap<string, GraphFormat> = new Map([
  ['.mmd', 'mermaid'],
  ['.mermaid', 'mermaid'],
  ['.md', 'mermaid'],
  ['.dot', 'dot'],
  ['.gv', 'dot'],
  ['.svg', 'svg'],
  ['.html', 'html'],
  ['.htm', 'html'],
]);

/** Extensions of formats that other programs write, and of compressed files. */
const foreignEndings: ReadonlySet<string> = new Set(
  '.bmp .eps .gif .gz .jpeg .jpg .pdf .png .ps .svgz .tif .tiff .webp .zip'.split(' '),
);

/**
 * The format of -o, or else of the file's extension, or else Mermaid. An unknown extension needs -o; both must agree, and no
 * other format may have that extension.
 */
function chooseGraphFormat(output: GraphFormat | undefined, file: string | undefined): ChosenFormat {
  const ending = extname(file ?? '').toLowerCase();
  const named = endings.get(ending);
  if (output === undefined && named === undefined && ending !== '') {
    const other = foreignEndings.has(ending) ? '' : ', or select a format with -o';
    return { problem: `cannot write ${escapeControls(ending)}; use ${listWords([...endings.keys()], 'or')}${other}` };
  }
  if (output !== undefined && (foreignEndings.has(ending) || (named !== undefined && named !== output))) {
    const fitting = [...endings].flatMap(([other, format]) => (format === output ? other : []));
    const advice = `use the extension ${listWords(fitting, 'or')}`;
    const either = named === undefined ? advice : `omit -o to get ${named}, or ${advice}`;
    return { problem: `-o ${output} does not fit --file ${escapeControls(file ?? '')}: ${either}` };
  }
  const format = output ?? named ?? 'mermaid';
  return { format, isMarkdown: ending === '.md' };
}

/** Whether the flags select a service port; undefined, after messages on stderr, if one of them matches nothing. */
function chooseServices(
  served: readonly { readonly namespace: string; readonly name: string }[],
  { namespace: namespaces = [], service: services = [], selector }: ServiceFilters,
  { stderr }: Pick<Context, 'stderr'>,
  cluster: Pick<Cluster, 'documents' | 'diagnostics'> = { documents: [], diagnostics: [] },
): IsSelected | undefined {
  const isInNamespace: IsSelected = ({ namespace }) => namespaces.length === 0 || namespaces.includes(namespace);
  const isNamed: IsSelected = ({ namespace, name }) =>
    services.length === 0 || services.includes(`${namespace}/${name}`) || services.includes(name);
  const left = served.filter(isInNamespace);
  const known = new Set(left.flatMap(({ namespace, name }) => [`${namespace}/${name}`, name]));
  const place = namespaces.length === 0 ? '' : ` in namespace ${namespaces.map(escapeControls).join(', ')}`;
  const problems = [
    ...unknownNames(namespaces, new Set(served.map(({ namespace }) => namespace))).map(
      ({ text, hint }) => `no Service in namespace ${text} has rules on this node${hint}`,
    ),
    ...unknownNames(services, known).map(
      ({ name, text, hint }) =>
        `no Service named ${text}${place} has rules on this node${whyUnserved(name, cluster) ?? hint}`,
    ),
  ];
  for (const problem of problems) {
    stderr.write(`error: ${problem}\n`);
  }
  const labeled = selector && selectServices(cluster.documents, selector);
  const isLabeled: IsSelected = ({ namespace, name }) => labeled?.has(`${namespace}/${name}`) ?? true;
  return problems.length === 0 ? (port) => isInNamespace(port) && isNamed(port) && isLabeled(port) : undefined;
}

function whyUnserved(
  service: string,
  { documents, diagnostics }: Pick<Cluster, 'documents' | 'diagnostics'>,
): string | undefined {
  const note = notesOf({ documents, diagnostics }).find(
    ({ namespace, name }) => service === name || service === `${namespace}/${name}`,
  );
  return note?.unserved && `: ${unservedText(note.unserved)}`;
}
