import { setTimeout as wait } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { tableNameProblem } from '../../config/check-options.ts';
import {
  type ConnectionCount,
  type CountedReading,
  createConnectionMeter,
  type SelectService,
} from '../../frontends/count-connections.ts';
import {
  type ConnectionOrder,
  connectionOrders,
  renderConnections,
  sortConnections,
} from '../../inspect/top/render-connections.ts';
import { formatNftError, isNftError } from '../../kernel/nft-error.ts';
import { joinLines, listWords } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import type { TableName } from '../../nft/listed-table.ts';
import { withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { checkedText, commaList } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { namespaceProblem, readServiceName, serviceProblem, unknownNames } from '../flags/service-filters.ts';
import { readConnections } from '../input/read-connections.ts';
import { interruptionOfProcess } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { exitCodeOfError } from '../output/report-outcome.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft top                                   the busiest Services, again each second, until Ctrl+C
  svc2nft top shop/cart                         one Service and each of its endpoints
  svc2nft top -n shop -o wide --sort total      a namespace with all endpoints, by the number of connections
  svc2nft top --interval 10 --count 6 > busy.txt
  svc2nft top -o json | jq '.services[] | select(.perSecond > 100)'
`;

const notes = `
Needs root, but no manifests, and a table with counters, as svc2nft apply --counters and svc2nft agent --counters make it. Nothing is
changed.

  CONN/S  new connections per second: over all IPs and node ports of a service port, and over both families
  TOTAL   how many the kernel has counted. It starts at 0 again when the table is rebuilt, for a Service when the number of its
          endpoints changes, and for an endpoint when it takes another place in the list

Services without endpoints are not listed. A connection that affinity sends back to its endpoint counts for the Service and not for the
endpoint, as that is not picked again.

A NAME is NAMESPACE/SERVICE, a namespace, or a Service of any namespace. Endpoints are shown with -o wide, and where each NAME is
NAMESPACE/SERVICE. To read them takes longer: 5 seconds for 100,000 endpoints, where their Services take half a second. If reading takes
longer than half of the interval, the next one waits for as long as that took.

On a terminal the table is drawn again at each interval, and rows that do not fit are left out. Elsewhere it is printed once, after
one interval, or as often as --count says. -o json prints a line for each time, with endpoints in the same cases: {seconds, services: [{namespace, service, portName,
protocol, connections, perSecond, endpoints: [{endpoint, connections, perSecond}]}]}; seconds is the time since the start.
`;

/** The command `svc2nft top`. */
export function topCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('top')
    .description('Shows connections per second by Service and endpoint, as the kernel counts them.')
    .argument('[NAME...]', 'a Service or a namespace (default: all Services)', (name: string, names: string[] = []) => [
      ...names,
      checkedText(serviceProblem)(readServiceName(name)),
    ])
    .optionsGroup('Services:')
    .option(
      '-n, --namespace <name>',
      'only Services in this namespace; may be repeated, or several separated by commas',
      commaList((names) => names.map(namespaceProblem).find(Boolean)),
    )
    .optionsGroup('Rules:')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(new Option('--family <family>', 'only the table of one family').choices(['ip', 'ip6']))
    .optionsGroup('Output:')
    .option('--interval <seconds>', 'the time between two readings, at least 0.1 (default: 1)', parseInterval)
    .option('--count <number>', 'how often to print (default: until Ctrl+C on a terminal, once elsewhere)', parseCount)
    .addOption(
      new Option('--sort <order>', 'rate or total: the largest first; name: by namespace and name')
        .choices(connectionOrders)
        .default('rate'),
    )
    .addOption(
      formatOption('wide: a line per endpoint; json: a line of JSON per reading', ['table', 'wide', 'json']).default(
        'table',
      ),
    )
    .action(async (names: string[], flags: TopFlags) => {
      setExitCode(await runTop(names, flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** The flags of `svc2nft top`. */
interface TopFlags {
  readonly namespace?: readonly string[];
  readonly table?: string;
  readonly family?: 'ip' | 'ip6';
  /** In seconds. */
  readonly interval?: number;
  readonly count?: number;
  readonly sort: ConnectionOrder;
  readonly output: 'table' | 'wide' | 'json';
}

function parseInterval(text: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?s?$/.test(text) ? Number.parseFloat(text) : 0;
  if (seconds < 0.1) {
    throw new InvalidArgumentError(`${describeValue(text)} is not a number of seconds of at least 0.1`);
  }
  return seconds;
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new InvalidArgumentError(`${describeValue(text)} is not a number of times`);
  }
  return Number(text);
}

/** Reads counters and prints rates until it was done as often as asked for, or interrupted; resolves to the exit code. */
async function runTop(names: readonly string[], flags: TopFlags, context: Context): Promise<number> {
  const { now } = context;
  const view = viewOf(names, flags, context);
  const meter = createConnectionMeter();
  const start = now();
  for (let printed = -1; printed < view.count && !view.signal.aborted; ) {
    const began = now();
    const readings = await readOrExplain(view, context);
    if (typeof readings === 'number') {
      return readings;
    }
    printed += 1;
    const counts = sortConnections(meter.measure(readings, view.selection.isSelected), flags.sort);
    // The first reading has no rates yet.
    if (printed > 0 || view.isLive) {
      const moment = { isFirst: printed === 0, seconds: (now() - start) / 1_000 };
      await writeOutput(textOf(counts, { ...view, ...moment }, context), undefined, context);
    }
    if (printed < view.count) {
      await pauseAfter(now() - began, view);
    }
  }
  return exitCodes.done;
}

/** What is shown, and how. */
interface TopView extends Pick<TopFlags, 'output'> {
  readonly tables: readonly TableName[];
  readonly selection: Selection;
  readonly withEndpoints: boolean;
  /** Whether the table is drawn over the one before. */
  readonly isLive: boolean;
  /** How often it is printed. */
  readonly count: number;
  /** In milliseconds. */
  readonly interval: number;
  readonly signal: AbortSignal;
}

function viewOf(names: readonly string[], flags: TopFlags, { stdout, interruption }: Context): TopView {
  const { table, families } = withDefaults({
    ...(flags.table !== undefined && { table: flags.table }),
    ...(flags.family && { families: [flags.family] }),
  });
  const selection = selectionOf(names, flags);
  return {
    output: flags.output,
    tables: families.map((family) => ({ family, table })),
    selection,
    withEndpoints: flags.output === 'wide' || selection.areServices,
    isLive: stdout.isTTY === true && flags.output !== 'json',
    count: flags.count ?? (stdout.isTTY ? Number.POSITIVE_INFINITY : 1),
    interval: (flags.interval ?? 1) * 1_000,
    signal: interruption ?? interruptionOfProcess(),
  };
}

/** The maps; or the exit code, after a message that says why there is nothing to show. An interruption is no error. */
async function readOrExplain(view: TopView, context: Context): Promise<readonly CountedReading[] | number> {
  const { tables, selection, withEndpoints, signal } = view;
  const endpointsOf = withEndpoints ? selection.isSelected : undefined;
  const readings = await readConnections({ tables, endpointsOf, signal }, context);
  if (signal.aborted) {
    return exitCodes.done;
  }
  if (isNftError(readings)) {
    context.stderr.write(`error: ${formatNftError(readings)}\n`);
    return exitCodeOfError(readings);
  }
  const problem = problemOf(readings, view);
  if (problem !== undefined) {
    context.stderr.write(`error: ${problem}\n`);
    return exitCodes.badInput;
  }
  return readings;
}

/** Ends early when it is interrupted. */
async function pauseAfter(took: number, { interval, signal }: TopView): Promise<void> {
  await wait(Math.max(interval - took, took), undefined, { signal }).catch(() => undefined);
}

interface Selection {
  readonly isSelected: SelectService;
  /** Whether each name is that of a single Service. */
  readonly areServices: boolean;
  /** The names that the arguments and flags have, as `namespace/service`, or one of the two. */
  readonly names: readonly string[];
}

function selectionOf(words: readonly string[], { namespace: namespaces = [] }: TopFlags): Selection {
  const names =
    namespaces.length === 0
      ? words
      : [
          ...words.filter((word) => word.includes('/')),
          ...namespaces.flatMap((namespace) =>
            words.length === 0
              ? [namespace]
              : words.filter((word) => !word.includes('/')).map((word) => `${namespace}/${word}`),
          ),
        ];
  const known = new Set(names);
  const isNamespaced = words.length === 0 && namespaces.length > 0;
  return {
    names,
    areServices: names.length > 0 && names.every((name) => name.includes('/')),
    isSelected: ({ namespace, service }) =>
      known.size === 0 ||
      known.has(namespace) ||
      (!isNamespaced && known.has(service)) ||
      known.has(`${namespace}/${service}`),
  };
}

/** Why there is nothing to show, or undefined. */
function problemOf(readings: readonly CountedReading[], { tables, selection: { names } }: TopView): string | undefined {
  if (readings.length === 0) {
    return `the kernel has no ${listWords(tables.map(nameOf), 'or')}`;
  }
  if (!readings.some(({ map }) => map.hasCounters)) {
    const found = tables.filter(({ family }) => readings.some((reading) => reading.family === family));
    return `${listWords(found.map(nameOf))} ${found.length === 1 ? 'has' : 'have'} no counters; to count connections, run svc2nft apply or svc2nft agent with --counters`;
  }
  const known = new Set<string>();
  for (const { comment = '' } of readings.flatMap(({ map }) => map.elements)) {
    const [name = ''] = comment.split(':');
    const [namespace = '', service = ''] = name.split('/');
    known.add(name).add(namespace).add(service);
  }
  const [unknown] = unknownNames(names, known);
  return unknown && `no Service with endpoints, and no namespace of one, is named ${unknown.text}${unknown.hint}`;
}

function nameOf({ family, table }: TableName): string {
  return `table ${family} ${table}`;
}

/** When a table is printed. */
interface Moment {
  readonly isFirst: boolean;
  /** Since the start. */
  readonly seconds: number;
}

function textOf(
  counts: readonly ConnectionCount[],
  { output, withEndpoints, isLive, isFirst, seconds }: TopView & Moment,
  { stdout }: Context,
): string {
  if (output === 'json') {
    return `${JSON.stringify({ seconds: Math.round(seconds * 1_000) / 1_000, services: nestEndpoints(counts) })}\n`;
  }
  // A terminal without a size has 0 columns.
  const size = isLive ? { columns: stdout.columns || 80, rows: stdout.rows || 24 } : undefined;
  const lines = renderConnections(counts, { withEndpoints, size });
  if (!isLive) {
    return joinLines(lines);
  }
  // Each line is written over the one before and then cleared to its end, which flickers less than clearing all.
  const [clear, home, toLineEnd, toEnd] = ['\u001b[2J', '\u001b[H', '\u001b[K', '\u001b[J'];
  return `${isFirst ? clear : ''}${home}${lines.map((line) => `${line}${toLineEnd}\n`).join('')}${toEnd}`;
}

function nestEndpoints(counts: readonly ConnectionCount[]) {
  const services: (Omit<ConnectionCount, 'endpoint' | 'added'> & {
    endpoints: Pick<ConnectionCount, 'endpoint' | 'connections' | 'perSecond'>[];
  })[] = [];
  for (const { endpoint, added: _, ...count } of counts) {
    if (endpoint === null) {
      services.push({ ...count, endpoints: [] });
    } else {
      const { connections, perSecond } = count;
      services.at(-1)?.endpoints.push({ endpoint, connections, perSecond });
    }
  }
  return services;
}
