import type { CommandManual, OptionManual, ProgramManual } from './manual.ts';

/** The options that at least three commands have, word for word. A manual describes them once. */
export function commonOptions({ commands }: ProgramManual): readonly OptionManual[] {
  const found = new Map<string, { readonly option: OptionManual; count: number }>();
  for (const option of commands.flatMap(({ options }) => options)) {
    const key = JSON.stringify(option);
    const seen = found.get(key) ?? { option, count: 0 };
    seen.count += 1;
    found.set(key, seen);
  }
  return [...found.values()].filter(({ count }) => count >= 3).map(({ option }) => option);
}

/** Parts the options of a command into those of its own and the common ones. */
export function partOptions(
  { options }: CommandManual,
  common: readonly OptionManual[],
): { readonly own: readonly OptionManual[]; readonly shared: readonly OptionManual[] } {
  const keys = new Set(common.map((option) => JSON.stringify(option)));
  const isCommon = (option: OptionManual): boolean => keys.has(JSON.stringify(option));
  return { own: options.filter((option) => !isCommon(option)), shared: options.filter(isCommon) };
}
