import type { ServiceProxy } from '../apply/create-service-proxy.ts';
import { type AgentSettings, describeConfig } from '../config/describe-config.ts';
import {
  type HttpAnswer,
  type HttpQuestion,
  jsonText,
  notFound,
  openHttpServer,
  plainText,
  type ServerOpener,
} from '../health/http-server.ts';
import type { Observation, Observe } from '../health/observation.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import type { AgentTools } from './create-syncer.ts';
import { type AgentServer, type OpenPolicy, openPatiently } from './open-patiently.ts';
import { totalConnections } from './total-connections.ts';

/** What is served, and where. */
export interface MetricsServerOptions extends Omit<AgentTools, 'observe'>, AgentSettings, OpenPolicy {
  readonly proxy: Pick<ServiceProxy, 'statistics' | 'rulesets' | 'views' | 'objects'>;
  /** Whether there are pages below `/debug/`. */
  readonly debuggingHandlers: boolean;
  /** The API server, `https://10.0.0.1:6443`. */
  readonly server: string;
  readonly wallClock: () => Date;
  /** Runs nft, to read counters. */
  readonly run: RunProgram;
  /** Default: real servers. */
  readonly open?: ServerOpener;
}

/** How many observations are kept: those that are counted together after a sync, and those of a time without any. */
const mostKept = { busy: 100, idle: 1_000 };

/**
 * Serves metrics. Observations are kept, which costs next to nothing, and counted when somebody asks, or some together once a change
 * is in the kernel. What counts them is loaded after the first sync, which does not wait for it, or when somebody asks before.
 */
export function serveMetrics(options: MetricsServerOptions): AgentServer {
  const { metrics: place, open = openHttpServer } = options;
  if (!place) {
    return { observe: () => undefined, close: () => undefined };
  }
  const counter = countLater(options);
  const respond = answerAt(counter.count, options);
  const server = openPatiently({ ...place, respond }, { ...options, open });
  return { observe: counter.observe, close: server.close };
}

/** Keeps observations until they are counted. */
function countLater(options: MetricsServerOptions): { readonly observe: Observe; count(): Promise<Metrics> } {
  const startTime = options.wallClock().getTime();
  const kept: Observation[] = [];
  let loading: Promise<Metrics> | undefined;
  const count = async (): Promise<Metrics> => {
    loading ??= createMetricsFor(options, startTime);
    const metrics = await loading;
    for (const observation of kept.splice(0)) {
      metrics.observe(observation);
    }
    return metrics;
  };
  const fail = (error: unknown): void => {
    kept.length = 0;
    options.log('error', 'bug in svc2nft', { reason: error instanceof Error ? error.stack : String(error) });
  };
  return {
    count,
    observe: (observation) => {
      kept.push(observation);
      const isDue = isSync(observation) && (loading === undefined || kept.length >= mostKept.busy);
      if (isDue || kept.length === mostKept.idle) {
        count().catch(fail);
      }
    },
  };
}

async function createMetricsFor(options: MetricsServerOptions, startTime: number): Promise<Metrics> {
  const { compile, proxy, server, now, wallClock } = options;
  const { createMetrics } = await import('../metrics/create-metrics.ts');
  const { host } = new URL(server);
  const connections = compile.counters ? totalConnections(options) : undefined;
  const { families } = compile;
  return createMetrics({ families, statistics: proxy.statistics, connections, host, now, wallClock, startTime });
}

function isSync(observation: Observation): boolean {
  return observation.kind === 'sync-done' && (observation.families ?? []).length > 0;
}

/** The answers of the server of metrics, those of kube-proxy. */
function answerAt(count: () => Promise<Metrics>, options: MetricsServerOptions) {
  return async (question: HttpQuestion): Promise<HttpAnswer> => {
    switch (question.path) {
      case '/metrics': {
        const metrics = await count();
        return { status: 200, headers: { 'Content-Type': metrics.contentType }, body: await metrics.text() };
      }
      case '/healthz':
        return plainText('ok');
      case '/proxyMode':
        return plainText('nftables');
      case '/configz':
        return jsonText(JSON.stringify(describeConfig(options)));
      default:
        return options.debuggingHandlers && question.path.startsWith('/debug/')
          ? answerDebugging(question, options)
          : notFound;
    }
  };
}

/** What is loaded only when somebody asks. */
async function answerDebugging(question: HttpQuestion, { compile, proxy }: MetricsServerOptions): Promise<HttpAnswer> {
  const { debugPage } = await import('../debug/debug-pages.ts');
  const { rulesets, views, objects, statistics } = proxy;
  return debugPage(question, { compile, rulesets, views, objects, leftOut: () => statistics().leftOut });
}
