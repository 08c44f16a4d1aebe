import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import type { Observation } from '../health/observation.ts';
import { nameOfFamily } from '../net/network.ts';
import { version } from '../version.ts';
import type { Count, MetricsTools } from './metrics-tools.ts';

/** In seconds. A change takes some milliseconds, and after a failure minutes. */
const buckets = [
  ...[0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075],
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
];

/** The metrics that only svc2nft has. */
export function countOwn(tools: MetricsTools): Count {
  const { registers } = tools;
  new Gauge({ name: 'svc2nft_build_info', help: 'Always 1', labelNames: ['version'], registers }).set({ version }, 1);
  gaugeTables(tools);
  gaugePending(tools);
  countConnections(tools);
  const counts = [countArrivals(tools), countTransactions(tools), countTrouble(tools), followServer(tools)];
  return (observation, arrived) => {
    for (const count of counts) {
      count(observation, arrived);
    }
  };
}

function gaugeTables({ registers, statistics }: MetricsTools): void {
  new Gauge({
    name: 'svc2nft_elements',
    help: 'Elements of each set and map, but of those that packets change',
    labelNames: ['ip_family', 'set'],
    registers,
    collect() {
      this.reset();
      for (const { family, elements } of statistics().families) {
        for (const [set, size] of elements) {
          this.set({ ip_family: nameOfFamily(family), set }, size);
        }
      }
    },
  });
  new Gauge({
    name: 'svc2nft_left_out_services',
    help: 'Services without rules: they are invalid, or nft rejects them',
    labelNames: ['reason'],
    registers,
    collect() {
      const { invalid, rejected } = statistics().leftOut;
      this.set({ reason: 'invalid' }, invalid.length);
      this.set({ reason: 'rejected' }, rejected.length);
    },
  });
}

function gaugePending({ registers, pending, now }: MetricsTools): void {
  new Gauge({
    name: 'svc2nft_oldest_pending_change_seconds',
    help: 'For how long the oldest change has waited that is not in the kernel; 0 without one',
    registers,
    collect() {
      const [oldest] = pending();
      this.set(oldest ? (now() - oldest.at) / 1_000 : 0);
    },
  });
}

function countConnections({ registers, connections }: MetricsTools): void {
  if (!connections) {
    return;
  }
  new Counter({
    name: 'svc2nft_service_connections_total',
    help: 'New connections to a service port since metrics were first asked for, as the kernel counts them',
    labelNames: ['namespace', 'service', 'port_name', 'protocol'],
    registers,
    async collect() {
      const totals = await connections();
      this.reset();
      for (const { namespace, service, portName, protocol, total } of totals) {
        this.inc({ namespace, service, port_name: portName, protocol: protocol.toUpperCase() }, total);
      }
    },
  });
}

function countArrivals({ registers }: MetricsTools): Count {
  const latency = new Histogram({
    name: 'svc2nft_event_to_kernel_duration_seconds',
    help: 'From the receipt of changes until they are in the kernel; not of the first lists',
    buckets,
    registers,
  });
  let isFirst = true;
  return (observation, arrived) => {
    if (observation.kind !== 'sync-done' || arrived.length === 0) {
      return;
    }
    for (const { at } of isFirst ? [] : arrived) {
      latency.observe((observation.at - at) / 1_000);
    }
    isFirst = false;
  };
}

function countTransactions({ registers }: MetricsTools): Count {
  const total = new Counter({
    name: 'svc2nft_transactions_total',
    help: 'Transactions that nft was given',
    labelNames: ['result'],
    registers,
  });
  const duration = new Histogram({
    name: 'svc2nft_transaction_duration_seconds',
    help: 'How long nft took for a transaction',
    buckets,
    registers,
  });
  total.inc({ result: 'done' }, 0);
  total.inc({ result: 'failed' }, 0);
  return (observation) => {
    if (observation.kind === 'transaction') {
      total.inc({ result: observation.isDone ? 'done' : 'failed' });
      duration.observe(observation.duration / 1_000);
    }
  };
}

function countTrouble({ registers, families }: MetricsTools): Count {
  const byFamily = (name: string, help: string) => {
    const counter = new Counter({ name: `svc2nft_${name}`, help, labelNames: ['ip_family'], registers });
    for (const family of families) {
      counter.inc({ ip_family: nameOfFamily(family) }, 0);
    }
    return counter;
  };
  const repairs = byFamily(
    'repairs_total',
    'How often a table had to be repaired, because another program had changed it',
  );
  const foreign = byFamily('foreign_changes_total', 'Transactions of other programs that changed a table');
  const sessions = new Counter({
    name: 'svc2nft_session_restarts_total',
    help: 'How often the nft that stays was replaced, because it had ended, or was old',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['ended', 'old']) {
    sessions.inc({ reason }, 0);
  }
  const monitors = new Counter({
    name: 'svc2nft_monitor_restarts_total',
    help: 'How often nft monitor ended and was started again',
    registers,
  });
  const ports = new Counter({
    name: 'svc2nft_health_check_port_failures_total',
    help: 'Attempts that failed to open a port for the health checks of a Service',
    registers,
  });
  return (observation) => {
    switch (observation.kind) {
      case 'sync-done':
        for (const { family, isRepaired } of observation.isShared ? [] : (observation.families ?? [])) {
          repairs.inc({ ip_family: nameOfFamily(family) }, Number(isRepaired));
        }
        break;
      case 'foreign-change':
        for (const family of observation.families) {
          foreign.inc({ ip_family: nameOfFamily(family) });
        }
        break;
      case 'session-replaced':
        sessions.inc({ reason: observation.reason });
        break;
      case 'monitor-ended':
        monitors.inc();
        break;
      case 'port-failed':
        ports.inc();
        break;
    }
  };
}

function followServer({ registers, now, host }: MetricsTools): Count {
  /** When something was received about each kind of objects. */
  const heard = new Map<string, number>();
  new Gauge({
    name: 'svc2nft_watch_age_seconds',
    help: 'How long ago something was received about a kind of objects; a server sends something each minute',
    labelNames: ['kind'],
    registers,
    collect() {
      this.reset();
      for (const [kind, at] of heard) {
        this.set({ kind }, (now() - at) / 1_000);
      }
    },
  });
  const retries = new Counter({
    name: 'svc2nft_watch_restarts_total',
    help: 'How often a kind of objects could not be followed, and was tried again',
    labelNames: ['kind'],
    registers,
  });
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by the status of the answer',
    labelNames: ['code', 'method', 'host'],
    registers,
  });
  const noteState = ({ resource, state, at }: Extract<Observation, { kind: 'following' }>): void => {
    if (state === 'absent') {
      heard.delete(resource);
    } else if (!heard.has(resource)) {
      heard.set(resource, at);
      retries.inc({ kind: resource }, 0);
    }
    if (state === 'retrying') {
      retries.inc({ kind: resource });
    }
  };
  return (observation) => {
    if (observation.kind === 'heard') {
      heard.set(observation.resource, observation.at);
    } else if (observation.kind === 'following') {
      noteState(observation);
    } else if (observation.kind === 'api-answer') {
      requests.inc({ code: `${observation.status ?? '<error>'}`, method: 'GET', host });
    }
  };
}
