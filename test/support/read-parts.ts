/** What a listing says of each table, set, map and chain, by name such as `ip svc2nft chain services`. */
export type Parts = ReadonlyMap<string, Part>;

/** One table, set, map or chain. */
export interface Part {
  /** A chain's hook and rules; the types, flags and limits of a set; a table's comment. As nft prints them, in order. */
  readonly lines: readonly string[];
  /** The elements of a set or map, sorted: nft prints them in no order that means anything. */
  readonly elements: readonly string[];
}

/**
 * Reads the text of `nft list ruleset`, by its indentation and nothing else: it shares no code with the program, and
 * takes every line that it does not know for a part of what surrounds it.
 */
export function readParts(listing: string): Parts {
  const parts = new Map<string, Part>();
  let table = '';
  let lines: string[] = [];
  for (const line of listing.split('\n')) {
    const [, indent, title] = /^(\t?)(?:table )?(\S.*) \{$/.exec(line) ?? [];
    if (title !== undefined) {
      table = indent === '' ? title : table;
      lines = [];
      parts.set(indent === '' ? table : `${table} ${title}`, { lines, elements: [] });
    } else if (line.startsWith('\t') && line !== '\t}') {
      lines.push(line.trim());
    }
  }
  return new Map([...parts].map(([name, part]) => [name, withElements(part.lines)]));
}

/** Elements come last, up to several on a line: `elements = { a,`, `b : c, d }`. */
function withElements(lines: readonly string[]): Part {
  const start = lines.findIndex((line) => line.startsWith('elements = {'));
  if (start < 0) {
    return { lines, elements: [] };
  }
  const text = lines.slice(start).join(' ');
  const elements = text
    .replace(/^elements = \{ /, '')
    .replace(/ \}$/, '')
    .split(', ');
  return { lines: lines.slice(0, start), elements: elements.sort() };
}
