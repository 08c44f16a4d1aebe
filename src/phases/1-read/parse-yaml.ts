import { Composer, isAlias, isMap, isNode, isSeq, Parser, type Document as YamlDocument } from 'yaml';
import type { Path } from './document.ts';

/** One document of a YAML text: its value and a way back into the text, or what is wrong with it. */
export type ParsedYaml =
  | { readonly kind: 'value'; readonly value: unknown; readonly locate: (path: Path) => number }
  | { readonly kind: 'error'; readonly offset: number; readonly message: string };

/** How much is read between two calls of onProgress, in characters. */
const progressStep = 1 << 20;

/**
 * Parses all documents of a YAML 1.2 text, merge keys included; empty documents are left out. A document with errors
 * gives its first one, for the others are mostly its echoes.
 *
 * @param onProgress called with the number of characters read, about once for each million and, in a long text, at the end.
 */
export function parseYaml(text: string, onProgress?: (charactersDone: number) => void): ParsedYaml[] {
  let announced = 0;
  const parser = new Parser((offset) => {
    if (onProgress && offset - announced >= progressStep) {
      announced = offset;
      onProgress(offset);
    }
  });
  const documents: ParsedYaml[] = [];
  try {
    const composer = new Composer({ merge: true, prettyErrors: false });
    for (const document of composer.compose(parser.parse(text))) {
      documents.push(...readDocument(document));
    }
  } catch (error) {
    documents.push(failure(error, 0));
  }
  if (announced > 0) {
    onProgress?.(text.length);
  }
  return documents;
}

function readDocument(document: YamlDocument.Parsed): ParsedYaml[] {
  const [error] = document.errors;
  if (error) {
    return [{ kind: 'error', offset: error.pos[0], message: lowerFirst(error.message) }];
  }
  try {
    const value: unknown = document.toJS();
    return value === null ? [] : [{ kind: 'value', value, locate: (path) => locateInYaml(document, path) }];
  } catch (error) {
    return [failure(error, document.contents?.range[0] ?? document.range[0])];
  }
}

/** The parser throws for what no manifest holds: nesting deeper than the stack, aliases that expand without end. */
function failure(error: unknown, offset: number): ParsedYaml {
  const message = error instanceof Error ? error.message : String(error);
  const isDeep = error instanceof RangeError;
  return { kind: 'error', offset, message: isDeep ? 'values are nested too deep' : lowerFirst(message) };
}

function locateInYaml(document: YamlDocument.Parsed, path: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const key of path) {
    const parent = isAlias(node) ? node.resolve(document) : node;
    node = isMap(parent) || isSeq(parent) ? parent.get(key, true) : undefined;
    if (!isNode(node)) {
      return offset;
    }
    offset = node.range?.[0] ?? offset;
  }
  return offset;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
