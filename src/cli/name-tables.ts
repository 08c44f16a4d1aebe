import { escapeControls } from '../escape-controls.ts';
import type { TableName } from '../listing/collect-objects.ts';

/** `table ip svc2nft`; without the family where several are meant, whose tables all have the same name. */
export function nameTables(names: readonly TableName[]): string {
  const [first] = names;
  const table = escapeControls(first?.table ?? '');
  return names.length === 1 ? `table ${first?.family} ${table}` : `table ${table}`;
}
