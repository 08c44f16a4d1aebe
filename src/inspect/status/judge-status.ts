import { countOf, durationText, escapeControls, listWords, timesText } from '../../lib/text.ts';
import type { AgentStatus, StatusFinding, StatusReport } from './status-report.ts';

/** What there is to judge, besides what other programs do. */
type Judged = Omit<StatusReport, 'findings'>;

/** In seconds. A server sends something each minute. */
const longestSilence = 120;

/** In seconds. A change takes milliseconds; one that waits longer has failed at least once. */
const longestWait = 5;

const problem = (what: string, advice: string): StatusFinding => ({ status: 'problem', what, advice });
const warning = (what: string, advice: string): StatusFinding => ({ status: 'warning', what, advice });

/** What needs attention, the worst first. Advice is what to do or to type. */
export function judgeStatus(report: Judged): StatusFinding[] {
  const { agent } = report;
  const found = agent ? judgeAgent(agent, report) : judgeAbsence(report);
  return [...found.filter(({ status }) => status === 'problem'), ...found.filter(({ status }) => status === 'warning')];
}

function judgeAbsence({ servers: { metrics }, tables }: Judged): StatusFinding[] {
  if (metrics.status !== null) {
    return [
      problem(
        `another program answers at ${metrics.address}: ${metrics.problem}`,
        'only one service proxy can serve a node: end the other one; or name the place of the agent with --metrics-bind-address',
      ),
    ];
  }
  const place = metrics.address === '' ? 'no agent serves metrics' : `no agent answers at ${metrics.address}`;
  const loaded = tables?.filter(({ exists }) => exists) ?? [];
  return [
    problem(
      `${place}: ${lackOf(tables, loaded.length)}`,
      'start one: svc2nft agent; if one runs, name the place of its metrics: --metrics-bind-address or --config',
    ),
  ];
}

function lackOf(tables: Judged['tables'], loaded: number): string {
  if (tables === null) {
    return 'changes of the cluster do not reach the kernel';
  }
  return loaded > 0 ? 'the rules stay as they are while the cluster changes' : 'there are no rules of svc2nft either';
}

function judgeAgent(agent: AgentStatus, { versions, servers }: Judged): StatusFinding[] {
  return [
    ...judgeServer(agent),
    ...judgeSyncs(agent),
    ...judgeServices(agent),
    ...judgeTrouble(agent),
    ...(agent.nodeEligible === false
      ? [
          warning(
            'load balancers are told to leave this node: its Node is missing, or is about to go',
            `kubectl get node ${escapeControls(agent.node ?? '')}`.trim(),
          ),
        ]
      : []),
    ...(servers.metrics.status === null
      ? [
          // An agent serves its health before its metrics, and kube-proxy has the same port for it.
          problem(
            `metrics are not served${servers.metrics.address === '' ? '' : ` at ${servers.metrics.address}`}, so that only the health is known, which may be that of kube-proxy or of an agent that has just started`,
            'ask again in a second; or name their place: --metrics-bind-address or --config',
          ),
        ]
      : []),
    ...(agent.version !== null && agent.version !== versions.svc2nft
      ? [
          warning(
            `the agent has version ${escapeControls(agent.version)}, and this is ${versions.svc2nft}`,
            'restart the agent to run what is installed; it takes over what is loaded',
          ),
        ]
      : []),
  ];
}

function judgeServer({ apiServer: { host, heardSecondsAgo } }: AgentStatus): StatusFinding[] {
  const silent = Object.entries(heardSecondsAgo).filter(([, seconds]) => seconds > longestSilence);
  const longest = Math.max(0, ...silent.map(([, seconds]) => seconds));
  return silent.length === 0
    ? []
    : [
        problem(
          `the API server${host === null ? '' : ` ${escapeControls(host)}`} has said nothing about ${listWords(silent.map(([kind]) => `${escapeControls(kind)}s`))} for ${durationText(longest)}: changes do not arrive`,
          'the log of the agent says why; svc2nft list --live tries the same from here',
        ),
      ];
}

function judgeSyncs({ healthy, pending, families, apiServer }: AgentStatus): StatusFinding[] {
  const failures = families.reduce((sum, one) => sum + one.failures, 0);
  const advice = 'the log of the agent has what nft says; svc2nft doctor looks for what keeps it from working';
  const waits = `a change has waited for ${durationText(pending.oldestSeconds)}`;
  if (healthy === false) {
    return [problem(`the agent is not healthy: ${waits}`, advice)];
  }
  if (pending.oldestSeconds > longestWait) {
    return [problem(waits, advice)];
  }
  const unwritten = families.filter(({ lastSync }) => lastSync === null).map(({ family }) => family);
  if (unwritten.length > 0) {
    return [
      problem(
        `nothing has been written yet${unwritten.length < families.length ? ` for ${listWords(unwritten)}` : ''}${refusalText(apiServer)}`,
        'the log of the agent says what it waits for: lists of the API server, or its Node',
      ),
    ];
  }
  return failures > 0
    ? [warning(`${countOf(failures, 'sync')} failed since the agent started, the last one succeeded`, advice)]
    : [];
}

/** What keeps lists from coming; empty where nothing does. */
function refusalText({ host, answers }: AgentStatus['apiServer']): string {
  const codes = Object.keys(answers);
  const refusals = codes.filter((code) => /^(401|403|429|5..)$/.test(code));
  const server = `the API server${host === null ? '' : ` ${escapeControls(host)}`}`;
  if (refusals.length > 0) {
    return `: ${server} has refused requests with status ${listWords(refusals)}`;
  }
  return codes.length > 0 && !codes.includes('200') ? `: ${server} does not answer` : '';
}

function judgeServices({ leftOut: { invalid, rejected } }: AgentStatus): StatusFinding[] {
  return [
    ...(rejected > 0
      ? [
          warning(
            `nft rejects the rules of ${countOf(rejected, 'Service')}, left out`,
            'the log of the agent names what is left out, and tries it again every five minutes',
          ),
        ]
      : []),
    ...(invalid > 0
      ? [
          warning(
            `${countOf(invalid, 'invalid Service')} left out`,
            'svc2nft list --live --keep-going says which, and what is wrong',
          ),
        ]
      : []),
  ];
}

const portAdvice = 'the log of the agent names it; ss -ltnp says which program has it';

function judgeTrouble({ families, foreignChanges, trouble }: AgentStatus): StatusFinding[] {
  const repairs = families.reduce((sum, one) => sum + one.repairs, 0);
  const { nftEnded, monitorEnded, healthPortFailures, localhostPortFailures } = trouble;
  const log = 'the log of the agent says when, and why';
  return [
    ...(repairs > 0
      ? [
          warning(
            `other programs changed the tables ${timesText(foreignChanges)}; repaired ${timesText(repairs)}`,
            'find out who: svc2nft doctor names programs that do so; svc2nft agent --own-table keeps them away',
          ),
        ]
      : []),
    ...(nftEnded > 0 ? [warning(`nft has ended ${timesText(nftEnded)} by itself`, log)] : []),
    ...(monitorEnded > 0 ? [warning(`nft monitor has ended ${timesText(monitorEnded)} by itself`, log)] : []),
    ...(healthPortFailures > 0
      ? [
          warning(
            `a port for health checks of a Service could not be opened, ${countOf(healthPortFailures, 'attempt')}`,
            portAdvice,
          ),
        ]
      : []),
    ...(localhostPortFailures > 0
      ? [
          warning(
            `a node port could not be opened at a loopback address, ${countOf(localhostPortFailures, 'attempt')}`,
            portAdvice,
          ),
        ]
      : []),
  ];
}
