/**
 * Whether tests run even where what they need is missing, and fail there: so the gate cannot pass without them. That is where
 * CI is set to anything but `false`, as vitest itself reads it.
 */
export function mustRun(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  const { CI = '' } = environment;
  return CI !== '' && CI !== 'false';
}
