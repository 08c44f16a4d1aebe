import type { AgentLog } from '../../agent/state-log.ts';
import { escapeControls } from '../../lib/text.ts';
import { type Context, wantsColor } from '../context.ts';

/**
 * A log for a person on a terminal; for programs, lines of JSON on stderr, as pino writes them.
 *
 * @param wallClock the time of a line; on a terminal it is shown as that of this machine's time zone.
 */
export async function createLog(
  context: Pick<Context, 'stdout' | 'stderr' | 'env' | 'color' | 'diagnostics'>,
  wallClock: () => Date = () => new Date(),
): Promise<AgentLog> {
  const { stderr, diagnostics } = context;
  if (stderr.isTTY && diagnostics !== 'json') {
    const color = wantsColor(context);
    return (level, message, details = {}) => {
      const time = wallClock().toTimeString().slice(0, 8);
      stderr.write(`${time} ${paint(level, color)} ${formatMessage(message, details)}\n`);
    };
  }
  const { pino } = await import('pino');
  const logger = pino(
    { base: null, timestamp: () => `,"time":"${wallClock().toISOString()}"` },
    { write: (line) => stderr.write(line) },
  );
  return (level, message, details = {}) => logger[level](details, message);
}

const colors = { info: 2, warn: 33, error: 31 } as const;

/** The level in a column of its own. */
function paint(level: keyof typeof colors, color: boolean): string {
  const word = level.padEnd(5);
  return color ? `\u001b[${colors[level]}m${word}\u001b[0m` : word;
}

/** Details on the line, those of several lines below it, indented. */
function formatMessage(message: string, details: Readonly<Record<string, unknown>>): string {
  const words: string[] = [escapeControls(message)];
  const below: string[] = [];
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === 'string' && value.includes('\n')) {
      below.push(
        `    ${name}:`,
        ...value
          .trimEnd()
          .split('\n')
          .map((line) => `      ${escapeControls(line)}`),
      );
    } else if (value !== undefined) {
      words.push(`${name}=${escapeControls(describe(value))}`);
    }
  }
  return [words.join('  '), ...below].join('\n');
}

function describe(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
