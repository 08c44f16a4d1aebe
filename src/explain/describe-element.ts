import { escapeControls } from '../escape-controls.ts';
import type { Element } from '../phases/5-plan/ruleset.ts';

/** An element as nft writes it. Anybody may have put it into the kernel, with any comment. */
export function describeElement({ key, value, comment }: Element): string {
  const note = comment === undefined ? '' : ` comment "${comment}"`;
  return escapeControls(`${key}${note}${value ? ` : ${describeValue(value)}` : ''}`);
}

function describeValue(value: NonNullable<Element['value']>): string {
  if ('address' in value) {
    return `${value.address} . ${value.port}`;
  }
  return value.kind === 'drop' ? 'drop' : `goto ${value.chain}`;
}
