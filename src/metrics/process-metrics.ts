import { readdirSync, readFileSync } from 'node:fs';
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import type { MetricsTools } from './metrics-tools.ts';

/** The metrics of a process that every Prometheus client has. Those of Node's event loop would take a timer of ten milliseconds. */
export function gaugeProcess({ registers, wallClock }: Pick<MetricsTools, 'registers' | 'wallClock'>): void {
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of this process, without that of nft',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    new Gauge({
      name: `process_${name}`,
      help,
      registers,
      collect() {
        const value = read();
        if (value !== undefined) {
          this.set(value);
        }
      },
    });
  };
  const start = wallClock().getTime() / 1_000 - process.uptime();
  gauge('start_time_seconds', 'When this process started', () => start);
  gauge('resident_memory_bytes', 'Memory of this process, without that of nft', () => process.memoryUsage.rss());
  gauge('virtual_memory_bytes', 'Address space of this process', () => {
    const [, kilobytes] = /^VmSize:\s+(\d+) kB/m.exec(readIfThere('/proc/self/status')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  });
  gauge('open_fds', 'Open files and sockets', countOpenFiles);
  gauge('max_fds', 'How many files and sockets may be open', () => {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readIfThere('/proc/self/limits')) ?? [];
    return limit === undefined ? undefined : Number(limit);
  });
}

function countOpenFiles(): number | undefined {
  try {
    // One of them is this folder.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
