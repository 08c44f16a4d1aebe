import { describe, expect, test } from 'vitest';
import { reportEvents } from '../../src/agent/report-events.ts';
import type { ClusterConnection } from '../../src/cluster/cluster-connection.ts';
import type { Observation } from '../../src/health/observation.ts';
import { familySync, portFailure, syncDone } from '../health/sync-done.ts';

interface Posted {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

/** A reporter whose time stands still unless it is moved, and an API server that has every object. */
function start() {
  const posted: Posted[] = [];
  const logged: string[] = [];
  const end = new AbortController();
  let time = 0;
  let status = 201;
  let waits: { readonly until: number; readonly proceed: () => void }[] = [];
  const body = async function* (value: object) {
    yield Buffer.from(JSON.stringify(value));
  };
  const connection: ClusterConnection = {
    server: 'https://10.0.0.1:6443',
    get: async (path) => {
      const kind = path.startsWith('/api/v1/nodes') ? 'Node' : 'Service';
      const metadata = { name: 'any', uid: 'u' };
      const list = { kind: `${kind}List`, metadata: { resourceVersion: '1' }, items: [{ metadata }] };
      return { status: 200, retryAfter: undefined, body: body(list) };
    },
    post: async (_, object) => {
      posted.push(object as unknown as Posted);
      return { status, retryAfter: undefined, body: body({ kind: 'Status', message: 'no', code: status }) };
    },
    close: async () => undefined,
  };
  const reporter = reportEvents({
    connection,
    compile: { nodeName: 'worker-1', table: 'svc2nft' },
    log: (_, message, details = {}) => logged.push(`${message}: ${Object.values(details).join(' ')}`),
    signal: end.signal,
    wait: (milliseconds) =>
      new Promise((proceed) => {
        waits.push({ until: time + milliseconds, proceed });
      }),
    now: () => time,
    wallClock: () => new Date(time),
    newId: () => 'x',
  });
  /** Lets everything happen that does not wait for time. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 500; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return {
    posted,
    logged,
    end,
    observe: async (...observations: readonly Observation[]) => {
      observations.forEach(reporter.observe);
      await settle();
    },
    pass: async (milliseconds: number) => {
      time += milliseconds;
      const due = waits.filter(({ until }) => until <= time);
      waits = waits.filter(({ until }) => until > time);
      for (const { proceed } of due) {
        proceed();
      }
      await settle();
    },
    answer: (code: number) => {
      status = code;
    },
    close: reporter.close,
  };
}

function leftOut(name: string, problem = 'spec.ports is wrong'): Observation {
  return { kind: 'left-out', namespace: 'shop', name, reason: { problem } };
}

const minutes = 60_000;

describe('an Event is created', () => {
  test.each<[string, Observation, object]>([
    [
      'about an invalid Service',
      leftOut('web', 'spec.ports[0].port is 0'),
      { reason: 'InvalidService', note: 'node worker-1 left it out: spec.ports[0].port is 0' },
    ],
    [
      'about a Service that nft rejects',
      { kind: 'left-out', namespace: 'shop', name: 'web', reason: { rejectedIn: 'ip6' } },
      { reason: 'RejectedService', note: 'node worker-1 left it out: nft rejects its rules in table ip6 svc2nft' },
    ],
    [
      'about a port for health checks, in the words of kube-proxy',
      { kind: 'port-failed', failure: portFailure },
      {
        reason: 'FailedToStartServiceHealthcheck',
        action: 'Listen',
        note: 'node worker-1 failed to start healthcheck "shop/web" on port 31000: 192.0.2.11:31000: another socket uses it',
        regarding: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u' },
      },
    ],
    [
      'about a node port that cannot be opened at a loopback address',
      { kind: 'localhost-port-failed', failure: { ...portFailure, port: 30_080, reason: '127.0.0.1:30080: taken' } },
      {
        reason: 'FailedToListenOnLocalhost',
        action: 'Listen',
        note: 'node worker-1 cannot serve node port 30080 at a loopback address: 127.0.0.1:30080: taken',
      },
    ],
    [
      'about the Node whose table was repaired',
      syncDone(1, 0, { families: [familySync('ip'), familySync('ip6', { isRepaired: true })] }),
      {
        reason: 'RulesRepaired',
        note: 'another program had changed table ip6 svc2nft, the IPv6 rules of Services',
        regarding: { apiVersion: 'v1', kind: 'Node', name: 'worker-1', uid: 'u' },
      },
    ],
  ])('%s', async (_, observation, event) => {
    const { observe, posted } = start();
    await observe(observation, { kind: 'monitor-ended' }, syncDone(2, 0));
    expect(posted).toEqual([expect.objectContaining(event)]);
  });

  test('not for a repair that was told with another request', async () => {
    const { observe, posted } = start();
    await observe(syncDone(1, 0, { isShared: true, families: [familySync('ip', { isRepaired: true })] }));
    expect(posted).toEqual([]);
  });
});

describe('the same Event', () => {
  test('is created once in half an hour', async () => {
    const { observe, posted, pass } = start();
    await observe(leftOut('web'), leftOut('web'));
    await pass(29 * minutes);
    await observe(leftOut('web'));
    expect(posted).toHaveLength(1);
    await observe(leftOut('web', 'something else is wrong'), leftOut('mail'));
    expect(posted).toHaveLength(3);
    await pass(minutes);
    await observe(leftOut('web'));
    expect(posted).toHaveLength(4);
    expect(posted[3]?.note).toBe(posted[0]?.note);
  });

  test('about repairs then says how many there were', async () => {
    const { observe, posted, pass } = start();
    const repaired = (request: number) => syncDone(request, 0, { families: [familySync('ip', { isRepaired: true })] });
    await observe(repaired(1), repaired(2), repaired(3));
    await pass(30 * minutes);
    await observe(repaired(4));
    await pass(30 * minutes);
    await observe(repaired(5));
    const note = 'another program had changed table ip svc2nft, the IPv4 rules of Services';
    expect(posted.map((event) => event.note)).toEqual([note, `${note}; 2 times more since the last Event`, note]);
  });
});

test('after twenty at once there is one every five seconds', async () => {
  const { observe, posted, pass } = start();
  await observe(...Array.from({ length: 30 }, (_, index) => leftOut(`web-${index}`)));
  expect(posted).toHaveLength(20);
  await pass(4_999);
  expect(posted).toHaveLength(20);
  await pass(1);
  expect(posted).toHaveLength(21);
  await pass(5_000);
  expect(posted.map(({ note, regarding }) => [note.length > 0, regarding.name])).toHaveLength(22);
  expect(posted.at(-1)?.regarding.name).toBe('web-21');
});

test('of very many some are left out, which is logged once, and come again later', async () => {
  const { observe, posted, pass, logged } = start();
  await observe(...Array.from({ length: 300 }, (_, index) => leftOut(`web-${index}`)));
  expect(logged).toEqual(['there are too many Events; some are left out: ']);
  for (let seconds = 0; seconds < 1_000; seconds += 5) {
    await pass(5_000);
  }
  const first = posted.length;
  expect(first).toBeLessThan(150);
  await observe(leftOut('web-299'));
  expect(posted.at(-1)?.regarding.name).toBe('web-299');
  expect(posted).toHaveLength(first + 1);
});

test('failures are logged once, and nothing is tried again for a minute', async () => {
  const { observe, posted, pass, answer, logged } = start();
  answer(403);
  await observe(leftOut('web'), leftOut('mail'), leftOut('web'));
  expect(posted).toHaveLength(2);
  expect(logged).toEqual(['an Event could not be created: InvalidService no']);
  await pass(minutes - 1);
  await observe(leftOut('web'));
  expect(posted).toHaveLength(2);
  answer(201);
  await pass(1);
  await observe(leftOut('web'), leftOut('web'));
  expect(posted).toHaveLength(3);
  answer(500);
  await observe(leftOut('bank'));
  expect(logged).toHaveLength(2);
});

test('what waits at the end is dropped, without a word', async () => {
  const { observe, posted, pass, close, end, logged } = start();
  await observe(...Array.from({ length: 30 }, (_, index) => leftOut(`web-${index}`)));
  close();
  end.abort();
  await pass(60 * minutes);
  expect(posted.length).toBeLessThanOrEqual(21);
  expect(logged).toEqual([]);
});
