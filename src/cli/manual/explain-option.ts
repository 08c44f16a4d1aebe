import type { OptionManual } from './manual.ts';

/** The description of an option with what its definition says besides: choices, default. Words to type are in backticks. */
export function explainOption({ description, value, required, ...option }: OptionManual): string {
  const choices = value && !value.files && !value.open ? value.words.map((word) => `\`${word}\``).join(', ') : '';
  const remarks = [
    ...(required ? ['Required'] : []),
    ...(choices === '' ? [] : [`One of ${choices}`]),
    ...(option.default === undefined ? [] : [`Default: \`${option.default}\``]),
  ];
  return remarks.length === 0 ? description : `${[description, ...remarks].join('. ')}.`;
}
