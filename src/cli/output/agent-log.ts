import type { AgentLog } from '../../agent/run-agent.ts';
import { escapeControls } from '../../lib/text.ts';
import type { Context } from '../context.ts';

/** A log for a person on a terminal; for programs, lines of JSON on stderr, as pino writes them. */
export async function createLog({ stderr, diagnostics }: Context): Promise<AgentLog> {
  if (stderr.isTTY && diagnostics !== 'json') {
    return (level, message, details = {}) => {
      const words = Object.entries(details).map(([name, value]) => `${name}=${escapeControls(describe(value))}`);
      const time = new Date().toISOString().slice(11, 23);
      stderr.write(`${time} ${level.padEnd(5)} ${[escapeControls(message), ...words].join('  ')}\n`);
    };
  }
  const { pino } = await import('pino');
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line) => stderr.write(line) },
  );
  return (level, message, details = {}) => logger[level](details, message);
}

function describe(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
