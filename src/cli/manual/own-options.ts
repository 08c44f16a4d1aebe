import type { OptionManual, ProgramManual } from './manual.ts';

/** The options that only the program has, such as `--version`: those that its default command lacks. */
export function ownOptions({ options, commands, defaultCommand }: ProgramManual): readonly OptionManual[] {
  const shared = commands.find(({ name }) => name === defaultCommand)?.options ?? [];
  return options.filter(({ flags }) => !shared.some((option) => option.flags === flags));
}
