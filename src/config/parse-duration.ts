/** The nanoseconds of a duration as Go writes it, `1h0m0s`, `250ms`, `0`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (text.length > longestDuration) {
    return undefined;
  }
  const [, sign = '', parts = ''] = /^([+-]?)(.*)$/.exec(text) ?? [];
  if (parts === '0') {
    return 0;
  }
  if (!/^([0-9]+(\.[0-9]*)?(ns|us|µs|μs|ms|s|m|h))+$/.test(parts)) {
    return undefined;
  }
  const sum = [...parts.matchAll(/([0-9.]+)([a-zµμ]+)/g)].reduce(
    (total, [, amount, unit]) => total + Number(amount) * (nanoseconds[unit ?? ''] ?? 0),
    0,
  );
  return sign === '-' ? -sum : sum;
}

/** A duration as Go writes it, `1m30s`, `500ms`. @param milliseconds not negative. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) {
    return milliseconds === 0 ? '0s' : `${milliseconds}ms`;
  }
  const seconds = milliseconds / 1_000;
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  const rest = `${Number((seconds % 60).toFixed(3))}s`;
  return hours > 0 ? `${hours}h${minutes}m${rest}` : `${minutes > 0 ? `${minutes}m` : ''}${rest}`;
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** In characters. Real ones are shorter, and a very long text would overflow the stack in the pattern below. */
const longestDuration = 64;
