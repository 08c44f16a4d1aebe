import type { Command, Option } from 'commander';

/**
 * Refuses the second occurrence of each option that does not collect values: commander would silently take the last one,
 * although the first may have been meant.
 */
export function refuseRepeated(command: Command): Command {
  for (const option of command.options.filter((one) => !isRepeatable(one))) {
    let count = 0;
    command.on(`option:${option.name()}`, () => {
      count += 1;
      if (count > 1) {
        command.error(`error: ${option.long ?? option.flags} may be given only once`);
      }
    });
  }
  return command;
}

/** Whether an option may be given more than once. Its description says so, because commander does not know. */
export function isRepeatable({ variadic, description }: Option): boolean {
  return variadic || description.includes('may be repeated');
}
