import { escapeControls } from '../escape-controls.ts';

/** Writes text of rulesets, which may come from anybody: control characters become visible. */
export interface Pen {
  readonly plain: (text: string) => string;
  /** Green, where there are colours. */
  readonly added: (text: string) => string;
  /** Red, where there are colours. */
  readonly removed: (text: string) => string;
}

/** How many of a long list are written. */
const shown = 5;

/** A pen with or without the colours of a terminal. */
export function makePen({ colour }: { readonly colour: boolean }): Pen {
  const paint = (code: string) => (text: string) =>
    colour ? `\u001b[${code}m${escapeControls(text)}\u001b[0m` : escapeControls(text);
  return { plain: escapeControls, added: paint('32'), removed: paint('31') };
}

/** `a, b, c` or, of a long list, `a, b, c, d, e, 12 more`. */
export function writeList(texts: readonly string[], { plain }: Pen): string {
  return cut(texts, '').map(plain).join(', ');
}

/** `+a, +b, -c`, and `+12 more`, `-12 more` of long lists. */
export function writeDifference(added: readonly string[], removed: readonly string[], pen: Pen): string {
  return [...cut(added, '+').map(pen.added), ...cut(removed, '-').map(pen.removed)].join(', ');
}

function cut(texts: readonly string[], sign: string): string[] {
  const more = texts.length > shown ? [`${texts.length - shown} more`] : [];
  return [...texts.slice(0, shown), ...more].map((text) => sign + text);
}
