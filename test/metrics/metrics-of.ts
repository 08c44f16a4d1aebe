import type { Statistics } from '../../src/engine/statistics.ts';
import type { Observation } from '../../src/health/observation.ts';
import { createMetrics, type Metrics } from '../../src/metrics/create-metrics.ts';
import type { MetricsOptions } from '../../src/metrics/metrics-tools.ts';

/** Metrics with a clock that stands still until it is moved. */
export interface TestMetrics {
  readonly metrics: Metrics;
  readonly observe: (...observations: readonly Observation[]) => void;
  /** The samples whose names begin so, `name{label="value"}` -> value, without those of buckets. */
  samples(...starts: readonly string[]): Promise<Readonly<Record<string, number>>>;
  pass(milliseconds: number): void;
  setStatistics(statistics: Statistics): void;
}

const noStatistics: Statistics = { families: [], leftOut: { invalid: [], rejected: [] } };

/** The wall clock at the start, in milliseconds since 1970. */
export const startTime: number = Date.UTC(2030, 0, 1);

/** Metrics of an agent for both families, which has just started. */
export function startMetrics({ connections }: Pick<MetricsOptions, 'connections'> = {}): TestMetrics {
  let time = 0;
  let statistics = noStatistics;
  const metrics = createMetrics({
    families: ['ip', 'ip6'],
    statistics: () => statistics,
    connections,
    host: '10.0.0.1:6443',
    now: () => time,
    startTime,
    wallClock: () => new Date(startTime + time),
  });
  return {
    metrics,
    observe: (...observations) => observations.forEach(metrics.observe),
    samples: async (...starts) => {
      const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const wanted = lines.filter((line) => starts.some((start) => line.startsWith(start)) && !/_bucket\{/.test(line));
      return Object.fromEntries(wanted.map((line) => splitSample(line)));
    },
    pass: (milliseconds) => {
      time += milliseconds;
    },
    setStatistics: (next) => {
      statistics = next;
    },
  };
}

function splitSample(line: string): [name: string, value: number] {
  const end = line.lastIndexOf(' ');
  return [line.slice(0, end), Number(line.slice(end + 1))];
}
