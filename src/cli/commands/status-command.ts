import { Command } from 'commander';
import { readActualTable } from '../../apply/read-actual-table.ts';
import { bindAddressProblem, parseBindAddress, servers } from '../../config/bind-address.ts';
import { tableNameProblem } from '../../config/check-options.ts';
import { hasError } from '../../diagnostics/diagnostic.ts';
import { readFrontends } from '../../frontends/read-frontends.ts';
import { findCompetingTables } from '../../inspect/doctor/check-tables.ts';
import { judgeStatus } from '../../inspect/status/judge-status.ts';
import { parseMetrics, type Sample } from '../../inspect/status/parse-metrics.ts';
import { renderStatus } from '../../inspect/status/render-status.ts';
import {
  describeAgent,
  isOwnAgent,
  type ServerStatus,
  type StatusReport,
  type TableStatus,
  type Versions,
} from '../../inspect/status/status-report.ts';
import { formatNftError, isNftError } from '../../kernel/nft-error.ts';
import { probeNft } from '../../kernel/probe-nft.ts';
import { isMapping, mappingIn, textIn } from '../../lib/unknown-values.ts';
import { endpointText } from '../../net/network.ts';
import { withDefaults } from '../../options.ts';
import { version } from '../../version.ts';
import { type Context, wantsColor } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { checkedText, configHelp } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { askServer, placeOfServer, reachablePlace, type ServerAnswer } from '../input/ask-server.ts';
import { loadSettings } from '../input/load-cluster.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { fitLines } from '../output/fit-text.ts';
import { withProgress } from '../output/progress.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft status
  svc2nft status --config kube-proxy.yaml
  svc2nft status -o json | jq '.findings[0]'
`;

const notes = `
Asks the agent of this machine for its metrics, settings and health, which takes no permission and changes nothing. Where none answers,
it looks for tables in the kernel, which takes root. Counts are those since the agent started.

-o json prints {agent, servers, tables, versions, findings: [{status, what, advice}]}; agent is null where none answers, and tables is
null where one does. A problem is what keeps changes of the cluster from the kernel, or hides whether it does; all else is a warning.
`;

/** The flags of `svc2nft status`. */
interface StatusFlags {
  readonly config?: string;
  readonly metricsBindAddress?: string;
  readonly healthzBindAddress?: string;
  readonly table?: string;
  readonly output: 'text' | 'json';
}

/** `svc2nft status`: how this node is served. */
export function statusCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('status')
    .description(
      'Says on one screen how this node is served: the agent, its last sync, what it left out and repaired, and what to look at first.',
    )
    .optionsGroup('Agent:')
    .option('--config <file>', configHelp)
    .option(
      '--metrics-bind-address <address>',
      'where the agent serves /metrics (default: metricsBindAddress of --config, or 127.0.0.1:10249)',
      checkedText(bindAddressProblem),
    )
    .option(
      '--healthz-bind-address <address>',
      'where the agent serves /healthz (default: what it says, or healthzBindAddress of --config, or 0.0.0.0:10256)',
      checkedText(bindAddressProblem),
    )
    .optionsGroup('Rules:')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .optionsGroup('Output:')
    .addOption(formatOption('text: human-readable; json: for programs', ['text', 'json']).default('text'))
    .action(async (flags: StatusFlags) => {
      setExitCode(await runStatus(flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** 1 means that there is a problem; warnings do not count. */
const verdicts = { served: exitCodes.done, troubled: exitCodes.badInput } as const;

async function runStatus(flags: StatusFlags, context: Context): Promise<number> {
  const places = await choosePlaces(flags, context);
  if (!places) {
    return exitCodes.wrongUsage;
  }
  const report = await withProgress(context, ({ watch }) =>
    gatherReport(places, { ...context, run: watch(context.run) }, flags.table),
  );
  const format = { color: wantsColor(context, 'stdout'), now: Date.now() };
  const text =
    flags.output === 'json'
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : fitLines(renderStatus(report, format), context.stdout);
  await writeOutput(text, undefined, context);
  return report.findings.some(({ status }) => status === 'problem') ? verdicts.troubled : verdicts.served;
}

/** Where the agent serves, as `127.0.0.1:10249`; empty for nowhere. `health` is undefined where the agent has to say it. */
interface Places {
  readonly metrics: string;
  readonly health: string | undefined;
  /** Where health is served unless the agent says otherwise. */
  readonly usualHealth: string;
}

/** Undefined, after a message, where the configuration cannot be read. */
async function choosePlaces(flags: StatusFlags, context: Context): Promise<Places | undefined> {
  const { servers: configured, diagnostics } = await loadSettings(
    flags.config === undefined ? {} : { config: flags.config },
  );
  if (hasError(diagnostics)) {
    reportDiagnostics(diagnostics, { refused: true, context });
    return undefined;
  }
  const place = (server: keyof typeof servers): string => {
    const { port, defaults } = servers[server];
    const bound = configured ? configured[server] : parseBindAddress(defaults.ip, port);
    return bound ? reachablePlace(endpointText({ address: bound.address ?? '0.0.0.0', port: bound.port })) : '';
  };
  const given = (text: string | undefined, server: keyof typeof servers): string | undefined =>
    text === undefined ? undefined : placeOfServer(text, server);
  return {
    metrics: given(flags.metricsBindAddress, 'metrics') ?? place('metrics'),
    health: given(flags.healthzBindAddress, 'healthz'),
    usualHealth: place('healthz'),
  };
}

async function gatherReport(places: Places, context: Context, table: string | undefined): Promise<StatusReport> {
  const [scraped, config, versions] = await Promise.all([
    askServer(places.metrics, '/metrics'),
    askServer(places.metrics, '/configz'),
    findVersions(context),
  ]);
  const samples = scraped.status === 200 ? parseMetrics(scraped.body) : undefined;
  const settings = parseJson(config.body);
  const health = places.health ?? healthPlaceOf(settings) ?? places.usualHealth;
  const probed = await askServer(health, '/healthz');
  const isHealth = isMapping(parseJson(probed.body)) && 'healthy' in (parseJson(probed.body) as object);
  const isOwn = samples === undefined ? isHealth : isOwnAgent(samples);
  const answers = { samples: isOwn ? samples : undefined, config: settings, health: parseJson(probed.body) };
  const agent = isOwn ? describeAgent(answers) : null;
  const report = {
    agent,
    servers: {
      metrics: describeServer(places.metrics, scraped, isOwn ? null : doubtMetrics(scraped, samples)),
      health: describeServer(health, probed, isHealth || probed.status === null ? null : 'not the answer of an agent'),
    },
    tables: agent ? null : await readTables(context, table),
    versions,
  };
  const others = await findCompetingTables(context.run, table ?? withDefaults({}).table);
  const warnings = others.map(({ what, advice = '' }) => ({ status: 'warning' as const, what, advice }));
  return { ...report, findings: [...judgeStatus(report), ...warnings] };
}

function describeServer(address: string, { status, body }: ServerAnswer, doubt: string | null): ServerStatus {
  if (status === null) {
    return { address, status, problem: address === '' ? null : body };
  }
  return { address, status, problem: doubt };
}

/** Where an agent says that it serves its health. */
function healthPlaceOf(settings: unknown): string | undefined {
  const configuration = isMapping(settings) ? mappingIn(settings, 'kubeproxy.config.k8s.io') : {};
  return 'healthzBindAddress' in configuration
    ? reachablePlace(textIn(configuration, 'healthzBindAddress'))
    : undefined;
}

/** Why an answer at `/metrics` is not that of an agent. */
function doubtMetrics({ status }: ServerAnswer, samples: readonly Sample[] | undefined): string {
  if (samples === undefined) {
    return `/metrics has status ${status}`;
  }
  return samples.some(({ name }) => name.startsWith('kubeproxy_'))
    ? 'kube-proxy'
    : 'its metrics are not those of svc2nft';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function findVersions({ run, stderr }: Context): Promise<Versions> {
  const probe = await probeNft(run);
  const own = { svc2nft: version, node: process.versions.node };
  if (isNftError(probe)) {
    stderr.write(`warning: ${formatNftError(probe)}\n`);
    return { ...own, nft: null, kernel: null };
  }
  return { ...own, nft: probe.version, kernel: probe.kernel };
}

/** The tables that the kernel has; null, after a message, where it does not show them. */
async function readTables({ run, stderr }: Context, name: string | undefined): Promise<TableStatus[] | null> {
  const { families, table } = withDefaults({ ...(name !== undefined && { table: name }) });
  const tables: TableStatus[] = [];
  for (const family of families) {
    const found = await readActualTable(run, { family, table });
    if (isNftError(found)) {
      stderr.write(`warning: ${formatNftError(found)}\n`);
      return null;
    }
    const frontends = found ? [...readFrontends(found.ruleset).values()] : [];
    const services = new Set(frontends.map((frontend) => frontend.name.replace(/:.*/s, '')));
    tables.push({ family, table, exists: found !== undefined, services: services.size, frontends: frontends.length });
  }
  return tables;
}
