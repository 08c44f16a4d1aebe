import { describe, expect, test } from 'vitest';
import type { Observation } from '../../../src/health/observation.ts';
import { judgeStatus } from '../../../src/inspect/status/judge-status.ts';
import { parseMetrics } from '../../../src/inspect/status/parse-metrics.ts';
import { renderStatus } from '../../../src/inspect/status/render-status.ts';
import {
  type AgentStatus,
  describeAgent,
  isOwnAgent,
  type StatusReport,
} from '../../../src/inspect/status/status-report.ts';
import { version } from '../../../src/version.ts';
import { portFailure } from '../../health/sync-done.ts';
import { startMetrics, startTime } from '../../metrics/metrics-of.ts';

const config = {
  'kubeproxy.config.k8s.io': { hostnameOverride: 'worker-1' },
  svc2nft: { table: 'svc2nft', families: ['ip', 'ip6'] },
};
const health = { healthy: true, nodeEligible: true };

/** What an agent tells that has seen and done this. */
async function agentAfter(...observations: readonly Observation[]): Promise<AgentStatus> {
  const { metrics, observe, pass, setStatistics } = startMetrics();
  setStatistics({
    families: [
      { family: 'ip', elements: new Map([['service-ips', 7]]), withoutLocalEndpoints: { internal: 0, external: 0 } },
      { family: 'ip6', elements: new Map(), withoutLocalEndpoints: { internal: 0, external: 0 } },
    ],
    leftOut: { invalid: [], rejected: [] },
  });
  for (const observation of observations) {
    pass('at' in observation ? observation.at : 0);
    observe(observation);
  }
  return describeAgent({ samples: parseMetrics(await metrics.text()), config, health });
}

function queued(request: number): Observation {
  return { kind: 'sync-queued', request, at: 0, services: 1, endpointSlices: 2 };
}

function done(request: number, isRepaired = false, isInSync = true): Observation {
  const families = (['ip', 'ip6'] as const).map((family) => ({ family, isInSync, isFull: false, isRepaired }));
  const rest = { isShared: false, duration: 3, healthChecks: [], localhostPorts: [], triggers: [] };
  return { kind: 'sync-done', request, at: 0, families, ...rest };
}

const following: Observation = { kind: 'following', resource: 'Service', state: 'watching', at: 0 };

/** An agent without trouble. */
const calm: AgentStatus = {
  version,
  node: 'worker-1',
  startedAt: '2030-01-01T00:00:00.000Z',
  memoryBytes: 84_400_000,
  healthy: true,
  nodeEligible: true,
  families: [
    { family: 'IPv4', lastSync: '2030-01-02T03:00:00.000Z', elements: 12_345, repairs: 0, failures: 0 },
    { family: 'IPv6', lastSync: '2030-01-02T03:00:00.000Z', elements: 1, repairs: 0, failures: 0 },
  ],
  pending: { oldestSeconds: 0, services: 0, endpointSlices: 0 },
  latency: { changes: 1_234, halfWithinSeconds: 0.002, mostWithinSeconds: 0.0075 },
  leftOut: { invalid: 0, rejected: 0 },
  foreignChanges: 0,
  trouble: { nftEnded: 0, monitorEnded: 0, healthPortFailures: 0, localhostPortFailures: 0 },
  apiServer: {
    host: '10.0.0.1:6443',
    answers: { '200': 8 },
    heardSecondsAgo: { Node: 40, Service: 5.4, EndpointSlice: 0.2 },
    restarts: 0,
  },
  table: 'svc2nft',
};

const answered = { address: '127.0.0.1:10249', status: 200, problem: null };
const silent = { address: '127.0.0.1:10249', status: null, problem: 'nothing listens there' };
const servers = { metrics: answered, health: { ...answered, address: '127.0.0.1:10256' } };
const versions = { svc2nft: version, node: '20.20.2', nft: '1.1.3', kernel: '6.18.0' };

function reportOn(agent: AgentStatus | null, changes: Partial<StatusReport> = {}): StatusReport {
  const report = { agent, servers, tables: null, versions, ...changes };
  return { ...report, findings: judgeStatus(report) };
}

function render(report: StatusReport): string[] {
  return renderStatus(report, { color: false, now: Date.parse('2030-01-02T03:00:12.500Z') });
}

describe('what an agent tells', () => {
  test('is read from its metrics, settings and health', async () => {
    expect(await agentAfter(following, queued(1), done(1), queued(2), done(2))).toEqual({
      ...calm,
      startedAt: expect.stringMatching(/^20\d\d-/),
      memoryBytes: expect.any(Number),
      families: [
        { ...calm.families[0], lastSync: new Date(startTime).toISOString(), elements: 7 },
        { ...calm.families[1], lastSync: new Date(startTime).toISOString(), elements: 0 },
      ],
      latency: { changes: 1, halfWithinSeconds: 0.0005, mostWithinSeconds: 0.0005 },
      apiServer: { host: null, answers: {}, heardSecondsAgo: { Service: 0 }, restarts: 0 },
    });
  });

  test('has counts of what went wrong', async () => {
    const agent = await agentAfter(
      { kind: 'foreign-change', families: ['ip'] },
      queued(1),
      done(1, true),
      queued(2),
      done(2, false, false),
      { kind: 'session-replaced', reason: 'ended' },
      { kind: 'session-replaced', reason: 'old' },
      { kind: 'monitor-ended' },
      { kind: 'port-failed', failure: portFailure },
      { kind: 'localhost-port-failed', failure: portFailure },
      { kind: 'api-answer', status: 200 },
      following,
      { kind: 'following', resource: 'Service', state: 'retrying', at: 0 },
      queued(3),
    );
    expect(agent).toMatchObject({
      foreignChanges: 1,
      families: [
        { family: 'IPv4', repairs: 1, failures: 1 },
        { family: 'IPv6', repairs: 1, failures: 1 },
      ],
      trouble: { nftEnded: 1, monitorEnded: 1, healthPortFailures: 1, localhostPortFailures: 1 },
      // The sync that failed, and the one that has not begun.
      pending: { services: 2, endpointSlices: 4 },
      apiServer: { host: '10.0.0.1:6443', answers: { '200': 1 }, restarts: 1 },
    });
  });

  test('is little where only its health is served', () => {
    const agent = describeAgent({ samples: undefined, config: undefined, health });
    expect(agent).toMatchObject({ version: null, node: null, startedAt: null, healthy: true, latency: null });
    expect(render(reportOn(agent, { servers: { ...servers, metrics: silent } }))).toEqual([
      'this node: only the health is known',
      '',
      'agent       runs',
      'health      healthy (200 at 127.0.0.1:10256/healthz)',
      `versions    svc2nft ${version}, nft 1.1.3, Linux 6.18.0, Node 20.20.2`,
      '',
      'look first at: metrics are not served at 127.0.0.1:10249, so that only the health is known, which may be that of kube-proxy or of an agent that has just started',
      '  ask again in a second; or name their place: --metrics-bind-address or --config',
    ]);
  });

  test('is recognized', async () => {
    const { metrics } = startMetrics();
    expect(isOwnAgent(parseMetrics(await metrics.text()))).toBe(true);
    expect(isOwnAgent(parseMetrics('kubeproxy_sync_proxy_rules_last_timestamp_seconds 1\n'))).toBe(false);
  });
});

describe('the screen', () => {
  test('of an agent without trouble', () => {
    expect(render(reportOn(calm))).toEqual([
      'worker-1: in sync',
      '',
      `agent       version ${version}, up 1 d 3 h, 84 MB`,
      'API server  10.0.0.1:6443, all kinds heard within 40 s',
      'last sync   IPv4 12 s ago, IPv6 12 s ago; nothing waits',
      'latency     1,234 changes, half of them in the kernel within 2 ms, 99 % within 7.5 ms',
      'tables      svc2nft: IPv4 12,345 elements, IPv6 1 element',
      'left out    nothing',
      'repaired    nothing',
      'health      healthy (200 at 127.0.0.1:10256/healthz)',
      `versions    svc2nft ${version}, nft 1.1.3, Linux 6.18.0, Node 20.20.2`,
      '',
      'nothing needs attention',
    ]);
  });

  test('of an agent that has just started', () => {
    const families = calm.families.map((one) => ({ ...one, lastSync: null, elements: 0 }));
    const lines = render(
      reportOn({ ...calm, families, latency: null, apiServer: { ...calm.apiServer, heardSecondsAgo: {} } }),
    );
    expect(lines).toContain('last sync   IPv4 never, IPv6 never; nothing waits');
    expect(lines).toContain('latency     no change yet since the first lists');
    expect(lines).toContain('API server  10.0.0.1:6443, nothing was heard yet');
    expect(lines).toContain('look first at: nothing has been written yet');
    expect(lines[0]).toBe('worker-1: not in sync');
  });

  test.each<[string, Readonly<Record<string, number>>, string, string]>([
    ['does not answer', { '<error>': 8 }, 'nothing was heard yet', ': the API server 10.0.0.1:6443 does not answer'],
    [
      'refuses all',
      { '401': 8 },
      'nothing was heard yet',
      ': the API server 10.0.0.1:6443 has refused requests with status 401',
    ],
    [
      'refuses some',
      { '200': 3, '403': 8, '404': 1, '503': 1 },
      'not everything was heard yet',
      ': the API server 10.0.0.1:6443 has refused requests with status 403 and 503',
    ],
    ['is slow', { '200': 3, '404': 1, '422': 1 }, 'not everything was heard yet', ''],
  ])('of an agent that has just started, whose server %s', (_, answers, heard, why) => {
    const families = calm.families.map((one) => ({ ...one, lastSync: null, elements: 0 }));
    const lines = render(reportOn({ ...calm, families, apiServer: { ...calm.apiServer, answers } }));
    expect(lines).toContain(`API server  10.0.0.1:6443, ${heard}`);
    expect(lines).toContain(`look first at: nothing has been written yet${why}`);
  });

  test('of an agent in all kinds of trouble, the worst first', () => {
    const lines = render(
      reportOn({
        ...calm,
        version: '0.0.9',
        node: 'worker-1\u001b[2J',
        healthy: false,
        nodeEligible: false,
        families: [{ family: 'IPv4', lastSync: '2030-01-02T02:00:00.000Z', elements: 1, repairs: 2, failures: 9 }],
        pending: { oldestSeconds: 125, services: 2, endpointSlices: 1 },
        latency: { changes: 1, halfWithinSeconds: null, mostWithinSeconds: null },
        leftOut: { invalid: 2, rejected: 1 },
        foreignChanges: 3,
        trouble: { nftEnded: 1, monitorEnded: 2, healthPortFailures: 4, localhostPortFailures: 5 },
        apiServer: {
          host: '10.0.0.1:6443',
          answers: { '200': 8 },
          heardSecondsAgo: { Service: 400, Node: 121, EndpointSlice: 3 },
          restarts: 1,
        },
      }),
    );
    expect(lines).toEqual([
      'worker-1\\u001b[2J: not in sync',
      '',
      'agent       version 0.0.9, up 1 d 3 h, 84 MB',
      'API server  10.0.0.1:6443, all kinds heard within 6 min, 1 retry since the start',
      'last sync   IPv4 1 h ago; 2 Services and 1 EndpointSlice wait, for 2 min at most',
      'latency     1 change, in the kernel within more than 5 min',
      'tables      svc2nft: IPv4 1 element',
      'left out    2 invalid Services, 1 Service that nft rejects',
      'repaired    IPv4 2 times, after 3 changes by other programs',
      'health      not healthy, but load balancers are told to leave the node (200 at 127.0.0.1:10256/healthz)',
      `versions    svc2nft ${version}, nft 1.1.3, Linux 6.18.0, Node 20.20.2`,
      '',
      'look first at: the API server 10.0.0.1:6443 has said nothing about Services and Nodes for 6 min: changes do not arrive',
      '  the log of the agent says why; svc2nft list --live tries the same from here',
      'then: the agent is not healthy: a change has waited for 2 min',
      'then: nft rejects the rules of 1 Service, left out',
      'then: 2 invalid Services left out',
      'then: other programs changed the tables 3 times; repaired 2 times',
      'then: nft has ended once by itself',
      'then: nft monitor has ended 2 times by itself',
      'then: a port for health checks of a Service could not be opened, 4 attempts',
      'then: a node port could not be opened at a loopback address, 5 attempts',
      'then: load balancers are told to leave this node: its Node is missing, or is about to go',
      `then: the agent has version 0.0.9, and this is ${version}`,
    ]);
  });

  test.each<[string, Partial<AgentStatus>, string]>([
    [
      'one family was never written',
      { families: calm.families.map((one) => (one.family === 'IPv6' ? { ...one, lastSync: null } : one)) },
      'problem: nothing has been written yet for IPv6',
    ],
    ['a change waits', { pending: { ...calm.pending, oldestSeconds: 6 } }, 'problem: a change has waited for 6 s'],
    ['a change has just come', { pending: { ...calm.pending, oldestSeconds: 4 } }, ''],
    [
      'syncs failed before',
      { families: calm.families.map((one) => ({ ...one, failures: 1 })) },
      'warning: 2 syncs failed since the agent started, the last one succeeded',
    ],
    ['the server is silent for a while', { apiServer: { ...calm.apiServer, heardSecondsAgo: { Node: 119 } } }, ''],
  ])('judges when %s', (_, changes, expected) => {
    const { findings } = reportOn({ ...calm, ...changes });
    expect(findings.map(({ status, what }) => `${status}: ${what}`).join()).toBe(expected);
  });

  test('without an agent says what the kernel has', () => {
    const tables = [
      { family: 'ip', table: 'svc2nft', exists: true, services: 3, frontends: 5 },
      { family: 'ip6', table: 'svc2nft', exists: false, services: 0, frontends: 0 },
    ] as const;
    const none = { metrics: silent, health: { ...silent, address: '127.0.0.1:10256' } };
    expect(render(reportOn(null, { servers: none, tables }))).toEqual([
      'this node: no agent answers',
      '',
      'agent       metrics: no answer at 127.0.0.1:10249: nothing listens there',
      'health      no answer at 127.0.0.1:10256: nothing listens there',
      'tables      ip svc2nft with 3 Services, 5 frontends, no table ip6 svc2nft',
      `versions    svc2nft ${version}, nft 1.1.3, Linux 6.18.0, Node 20.20.2`,
      '',
      'look first at: no agent answers at 127.0.0.1:10249: the rules stay as they are while the cluster changes',
      '  start one: svc2nft agent; if one runs, name the place of its metrics: --metrics-bind-address or --config',
    ]);
    const empty = render(reportOn(null, { servers: none, tables: [tables[1]] }));
    expect(empty.at(-2)).toBe(
      'look first at: no agent answers at 127.0.0.1:10249: there are no rules of svc2nft either',
    );
    const unread = render(reportOn(null, { servers: none }));
    expect(unread).toContain('tables      could not be read');
  });

  test('without an agent names another program in its place', () => {
    const other = { ...answered, problem: 'kube-proxy' };
    const lines = render(reportOn(null, { servers: { ...servers, metrics: other } }));
    expect(lines).toContain('agent       metrics: status 200 at 127.0.0.1:10249: kube-proxy');
    expect(lines).toContain('look first at: another program answers at 127.0.0.1:10249: kube-proxy');
  });

  test('is painted on request', () => {
    expect(renderStatus(reportOn(calm), { color: true, now: 0 })[0]).toBe('worker-1: \u001b[32min sync\u001b[0m');
  });
});
