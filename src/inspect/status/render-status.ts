import { countOf, durationText, escapeControls, timesText } from '../../lib/text.ts';
import type { AgentStatus, ServerStatus, StatusFinding, StatusReport } from './status-report.ts';

/** How a report is shown. */
interface StatusFormat {
  readonly color: boolean;
  /** Now, in milliseconds since 1970. */
  readonly now: number;
}

/** The widest name of a row, and two spaces. */
const margin = 12;

/** The report as a few lines: whether the node is served, a row for each topic, and what to look at first. */
export function renderStatus(report: StatusReport, { color, now }: StatusFormat): string[] {
  const { agent, findings } = report;
  const rows = agent ? rowsOfAgent(agent, report, now) : rowsWithoutAgent(report);
  const [first, ...others] = findings;
  return [
    headline(report, color),
    '',
    ...[...rows, ['versions', versionsText(report)] as const].map(([name, text]) => `${name.padEnd(margin)}${text}`),
    '',
    ...(first ? [`look first at: ${first.what}`, `  ${first.advice}`] : ['nothing needs attention']),
    ...others.map(({ what }) => `then: ${what}`),
  ];
}

const words = {
  problem: ['31', 'not in sync'],
  warning: ['33', 'in sync, with warnings'],
  ok: ['32', 'in sync'],
} as const;

function headline({ agent, findings, servers }: StatusReport, color: boolean): string {
  const worst: StatusFinding['status'] | 'ok' = findings[0]?.status ?? 'ok';
  const [code, known] = words[worst];
  const served = servers.metrics.status === null ? 'only the health is known' : known;
  const word = agent ? served : 'no agent answers';
  const node = agent?.node ? escapeControls(agent.node) : 'this node';
  const painted = color ? `\u001b[${code}m${word}\u001b[0m` : word;
  return `${node}: ${painted}`;
}

type Row = readonly [name: string, text: string];

function rowsOfAgent(agent: AgentStatus, { servers }: StatusReport, now: number): Row[] {
  const hasMetrics = servers.metrics.status !== null;
  return [
    ['agent', agentText(agent, now)],
    ...(hasMetrics
      ? ([
          ['API server', serverText(agent)],
          ['last sync', syncText(agent, now)],
          ['latency', latencyText(agent)],
          ['tables', tablesText(agent)],
          ['left out', leftOutText(agent)],
          ['repaired', repairedText(agent)],
        ] as const)
      : []),
    ['health', healthText(agent, servers.health)],
  ];
}

function agentText({ version, startedAt, memoryBytes }: AgentStatus, now: number): string {
  const parts = [
    version === null ? 'runs' : `version ${escapeControls(version)}`,
    startedAt === null ? '' : `up ${ageText(startedAt, now)}`,
    memoryBytes === null ? '' : `${Math.round(memoryBytes / 1e6).toLocaleString('en')} MB`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function serverText({ apiServer: { host, answers, heardSecondsAgo, restarts }, families }: AgentStatus): string {
  const ages = Object.values(heardSecondsAgo);
  // Ages begin with the first attempt, so before the first sync they do not say that anything has come.
  const isComplete = families.some(({ lastSync, failures }) => lastSync !== null || failures > 0);
  const isSilent = ages.length === 0 || (!isComplete && answers['200'] === undefined);
  const heard = isComplete
    ? `all kinds heard within ${durationText(Math.max(...ages))}`
    : 'not everything was heard yet';
  const again = restarts > 0 ? `, ${restarts} ${restarts === 1 ? 'retry' : 'retries'} since the start` : '';
  return `${host === null ? '' : `${escapeControls(host)}, `}${isSilent ? 'nothing was heard yet' : heard}${again}`;
}

function syncText({ families, pending }: AgentStatus, now: number): string {
  const times = families.map(
    ({ family, lastSync }) => `${family} ${lastSync === null ? 'never' : `${ageText(lastSync, now)} ago`}`,
  );
  const { oldestSeconds, services, endpointSlices } = pending;
  const waits =
    services + endpointSlices === 0 && oldestSeconds === 0
      ? 'nothing waits'
      : `${countOf(services, 'Service')} and ${countOf(endpointSlices, 'EndpointSlice')} wait, for ${durationText(oldestSeconds)} at most`;
  return `${times.join(', ')}; ${waits}`;
}

function latencyText({ latency }: AgentStatus): string {
  if (latency === null) {
    return 'no change yet since the first lists';
  }
  const { changes, halfWithinSeconds, mostWithinSeconds } = latency;
  const within = (seconds: number | null): string => (seconds === null ? 'more than 5 min' : durationText(seconds));
  return changes === 1
    ? `1 change, in the kernel within ${within(mostWithinSeconds)}`
    : `${countOf(changes, 'change')}, half of them in the kernel within ${within(halfWithinSeconds)}, 99 % within ${within(mostWithinSeconds)}`;
}

function tablesText({ families, table }: AgentStatus): string {
  const sizes = families.map(({ family, elements }) => `${family} ${countOf(elements, 'element')}`);
  return `${table === null ? '' : `${escapeControls(table)}: `}${sizes.join(', ')}`;
}

function leftOutText({ leftOut: { invalid, rejected } }: AgentStatus): string {
  const parts = [
    ...(invalid > 0 ? [`${countOf(invalid, 'invalid Service')}`] : []),
    ...(rejected > 0 ? [`${countOf(rejected, 'Service')} that nft rejects`] : []),
  ];
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

function repairedText({ families, foreignChanges }: AgentStatus): string {
  const repairs = families
    .filter((one) => one.repairs > 0)
    .map(({ family, repairs: count }) => `${family} ${timesText(count)}`);
  return repairs.length === 0
    ? 'nothing'
    : `${repairs.join(', ')}, after ${countOf(foreignChanges, 'change')} by other programs`;
}

function healthText({ healthy, nodeEligible }: AgentStatus, { address, status, problem }: ServerStatus): string {
  if (status === null) {
    return address === '' ? 'not served' : `no answer at ${address}: ${problem}`;
  }
  const eligible = nodeEligible === false ? ', but load balancers are told to leave the node' : '';
  return `${healthy ? 'healthy' : 'not healthy'}${eligible} (${status} at ${address}/healthz)`;
}

function rowsWithoutAgent({ servers: { metrics, health }, tables }: StatusReport): Row[] {
  const answer = ({ address, status, problem }: ServerStatus): string =>
    address === '' ? 'not served' : `${status === null ? 'no answer' : `status ${status}`} at ${address}: ${problem}`;
  return [
    ['agent', `metrics: ${answer(metrics)}`],
    ['health', answer(health)],
    ['tables', tables === null ? 'could not be read' : tables.map(tableText).join(', ')],
  ];
}

function tableText({
  family,
  table,
  exists,
  services,
  frontends,
}: NonNullable<StatusReport['tables']>[number]): string {
  const name = `${family} ${escapeControls(table)}`;
  return exists
    ? `${name} with ${countOf(services, 'Service')}, ${countOf(frontends, 'frontend')}`
    : `no table ${name}`;
}

function versionsText({ versions: { svc2nft, nft, kernel, node } }: StatusReport): string {
  return [
    `svc2nft ${svc2nft}`,
    `nft ${nft ?? 'not usable'}`,
    ...(kernel === null ? [] : [`Linux ${kernel}`]),
    `Node ${node}`,
  ].join(', ');
}

function ageText(time: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(time)) / 1_000);
  return seconds < 1 ? 'less than 1 s' : durationText(seconds);
}
