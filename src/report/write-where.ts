import type { Where } from './family-changes.ts';
import { type Pen, writeList } from './make-pen.ts';

/** ` at node port 30080/tcp`; nothing where a change holds everywhere. */
export function writeWhere({ frontends }: Where, pen: Pen): string {
  return frontends ? ` at ${writeList(frontends, pen)}` : '';
}
