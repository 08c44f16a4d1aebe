import { buildGraph } from '../graph/build-graph.ts';
import type { Drawing } from '../graph/drawing.ts';
import type { Graph } from '../graph/graph.ts';
import { makeDrawing } from '../graph/make-drawing.ts';
import { writeDot } from '../graph/write-dot.ts';
import { writeMermaid } from '../graph/write-mermaid.ts';
import { readPlaces } from '../places/read-places.ts';
import { type ChosenFormat, chooseGraphFormat, type GraphFormat } from './choose-graph-format.ts';
import { chooseServices } from './choose-services.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { exitCodes } from './exit-codes.ts';
import { layOutSvg } from './lay-out-svg.ts';
import { loadCluster } from './load-cluster.ts';
import { makePage } from './make-page.ts';
import { overwritesInput } from './overwrites-input.ts';
import type { ServiceFilters } from './service-filters.ts';
import type { Streams } from './streams.ts';
import { writeOutput } from './write-output.ts';

/** The flags of `svc2nft graph`. */
export interface GraphFlags extends CompileFlags, ServiceFilters {
  /** Absent: by the name of the file. */
  readonly output?: GraphFormat;
  readonly file?: string;
}

/** Arrows that a drawing may have before people lose their way in it. */
const mostReadable = 500;

/** What Mermaid draws unless it is configured (maxEdges, maxTextSize), and GitHub does not configure it. */
const mermaidLimits = { arrows: 500, characters: 50_000 } as const;

/** Arrows that a picture may have: to lay so many out takes some seconds, many more take minutes, and it cannot be stopped. */
const mostLaidOut = 1_000;

/** Draws who serves whom; resolves to the exit code. */
export async function runGraph(paths: readonly string[], flags: GraphFlags, streams: Streams): Promise<number> {
  const chosen = chooseGraphFormat(flags.output, flags.file);
  if ('problem' in chosen) {
    streams.stderr.write(`error: ${chosen.problem} (see --help)\n`);
    return exitCodes.wrongUsage;
  }
  const isToStdout = flags.file === undefined || flags.file === '-';
  if (chosen.format === 'html' && isToStdout && streams.stdout.isTTY === true) {
    streams.stderr.write('error: a page is not for a terminal: name a file, --file graph.html, or redirect stdout\n');
    return exitCodes.wrongUsage;
  }
  const cluster = await loadCluster(paths, flags, streams);
  if (cluster === 'lacks-input') {
    return exitCodes.wrongUsage;
  }
  if (cluster === 'refused') {
    return exitCodes.badInput;
  }
  if (await overwritesInput(flags.file, { paths, config: flags.config, documents: cluster.documents }, streams)) {
    return exitCodes.wrongUsage;
  }
  const isWanted = chooseServices(cluster, flags, streams);
  if (!isWanted) {
    return exitCodes.badInput;
  }
  const graph = buildGraph({ ...cluster, places: readPlaces(cluster.documents) }, isWanted);
  if (graph.servicePorts.length === 0) {
    streams.stderr.write('nothing to draw: the input has no Service with rules on this node\n');
  }
  const text = await write(graph, chosen, streams);
  return text === undefined ? exitCodes.wrongUsage : writeOutput(text, flags.file, streams);
}

/** Undefined, after a message, for what is too large. */
async function write(
  graph: Graph,
  { format, isMarkdown }: Extract<ChosenFormat, { format: GraphFormat }>,
  streams: Streams,
): Promise<string | undefined> {
  if (format === 'html') {
    return makePage(graph);
  }
  const text = await draw(makeDrawing(graph), format, streams);
  // No label has a backtick: Mermaid gets it as a number.
  return text !== undefined && isMarkdown ? `\`\`\`mermaid\n${text}\`\`\`\n` : text;
}

/** Undefined, after a message, for what is too large. */
async function draw(
  drawing: Drawing,
  format: Exclude<GraphFormat, 'html'>,
  { stderr }: Streams,
): Promise<string | undefined> {
  const arrows = drawing.arrows.length;
  const size = `${drawing.servicePorts.length} service ports and ${arrows} arrows`;
  const advice = 'choose some with -n or --service, or take -o html, which any size fits';
  if (format === 'svg' && arrows > mostLaidOut) {
    stderr.write(`error: ${size} are too many for a picture, which may have ${mostLaidOut} arrows: ${advice}\n`);
    return undefined;
  }
  const text = format === 'mermaid' ? writeMermaid(drawing) : writeDot(drawing);
  if (format === 'mermaid' && (arrows > mermaidLimits.arrows || text.length > mermaidLimits.characters)) {
    const limits = `${mermaidLimits.arrows} arrows or ${mermaidLimits.characters} characters`;
    stderr.write(
      `warning: GitHub draws no Mermaid of more than ${limits}; ${size} take ${text.length} characters: ${advice}\n`,
    );
  } else if (arrows > mostReadable) {
    stderr.write(`warning: a drawing of ${size} is hard to read: ${advice}\n`);
  }
  return format === 'svg' ? layOutSvg(text) : text;
}
