/** How many of a list a cell of a table shows. */
const shown = 10;

/** `a,b,c` or, of a long list, `a,b,c,+12`. */
export function cutList(texts: readonly string[], separator: ',' | ' '): string {
  const more = texts.length > shown ? [`+${texts.length - shown}`] : [];
  return [...texts.slice(0, shown), ...more].join(separator);
}
