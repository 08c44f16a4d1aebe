import {
  type Alias,
  Composer,
  type CST,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  type Scalar,
  visit,
  type Document as YamlDocument,
} from 'yaml';
import type { Path } from '../../lib/unknown-values.ts';

/** One document of a YAML text: its value and a way back into the text, or what is wrong with it. */
export type ParsedYaml =
  | { readonly kind: 'value'; readonly value: unknown; readonly locate: (path: Path) => number }
  | { readonly kind: 'error'; readonly offset: number; readonly message: string };

/** How much is read between two calls of onProgress, in characters. */
const progressStep = 1 << 20;

/** How long a message of the library may be, in characters. */
const longestMessage = 200;

/**
 * Manifests nest some thirty levels. The library recurses, and a stack that is used up inside a regular expression
 * ends the process without an exception that could be caught, so nothing deep may ever reach it.
 */
const deepestNesting = 300;

/**
 * Parses all documents of a YAML 1.2 text, merge keys included; empty documents are left out. A document with errors
 * gives its first one, for the others are mostly its echoes.
 *
 * @param onProgress called with the number of characters read, about once for each million and, in a long text, at the end.
 */
export function parseYaml(text: string, onProgress?: (charactersDone: number) => void): ParsedYaml[] {
  const reading: Reading = { parser: new Parser(), onProgress, isTooDeep: false, hasAliases: false };
  const documents: ParsedYaml[] = [];
  try {
    const composer = new Composer({ merge: true, prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
    for (const document of composer.compose(readTokens(text, reading))) {
      documents.push(...readDocument(document, reading));
    }
  } catch (error) {
    documents.push(failure(error, 0));
  }
  if (reading.isTooDeep) {
    documents.push({ kind: 'error', offset: reading.parser.offset, message: 'values are nested too deep' });
  }
  if (text.length >= progressStep) {
    onProgress?.(text.length);
  }
  return documents;
}

interface Reading {
  readonly parser: Parser;
  readonly onProgress: ((charactersDone: number) => void) | undefined;
  isTooDeep: boolean;
  hasAliases: boolean;
}

/** What Parser.parse does, but with progress, and an end where the nesting gets too deep. */
function* readTokens(text: string, reading: Reading): Generator<CST.Token, void> {
  const { parser, onProgress } = reading;
  let announced = 0;
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    reading.hasAliases ||= lexeme.startsWith('*');
    if (parser.stack.length > deepestNesting) {
      reading.isTooDeep = true;
      return;
    }
    if (parser.offset - announced >= progressStep) {
      announced = parser.offset;
      onProgress?.(announced);
    }
  }
  yield* parser.end();
}

function readDocument(document: YamlDocument.Parsed, { hasAliases }: Reading): ParsedYaml[] {
  const [error] = document.errors;
  if (error) {
    return [{ kind: 'error', offset: error.pos[0], message: wordsOf(error) }];
  }
  const repeated = findRepeatedKey(document);
  if (repeated) {
    return [{ kind: 'error', offset: repeated.range?.[0] ?? 0, message: 'map keys must be unique' }];
  }
  const circle = hasAliases ? findCircle(document) : undefined;
  if (circle) {
    return [
      { kind: 'error', offset: circle.range?.[0] ?? 0, message: `*${circle.source} stands for what encloses it` },
    ];
  }
  try {
    const value: unknown = document.toJS();
    return value === null ? [] : [{ kind: 'value', value, locate: (path) => locateInYaml(document, path) }];
  } catch (error) {
    return [failure(error, document.contents?.range[0] ?? document.range[0])];
  }
}

/** The library can look for it too, but compares every key of a mapping with every other one. */
function findRepeatedKey(document: YamlDocument.Parsed): Scalar | undefined {
  let repeated: Scalar | undefined;
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      repeated = map.items.map(({ key }) => key).find((key): key is Scalar => isScalar(key) && isRepeated(key, seen));
      return repeated ? visit.BREAK : undefined;
    },
  });
  return repeated;
}

/** Several merges into one mapping are fine. */
function isRepeated({ value }: Scalar, seen: Set<unknown>): boolean {
  const isKnown = seen.has(value) && value !== '<<';
  seen.add(value);
  return isKnown;
}

/** An alias inside its own anchor would make a value without an end. */
function findCircle(document: YamlDocument.Parsed): Alias | undefined {
  let circle: Alias | undefined;
  visit(document, {
    Alias: (_, alias, ancestors) => {
      // Names first: finding the node of an anchor takes a walk through the document.
      const isNamed = ancestors.some(
        (ancestor) => isNode(ancestor) && !isAlias(ancestor) && ancestor.anchor === alias.source,
      );
      const target = isNamed ? alias.resolve(document) : undefined;
      if (target && ancestors.some((ancestor) => ancestor === target)) {
        circle = alias;
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return circle;
}

/** The library throws for aliases that would expand without end. */
function failure(error: unknown, offset: number): ParsedYaml {
  return { kind: 'error', offset, message: wordsOf(error) };
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

/** The library's own words, as a clause and cut: some quote the text that they are about. */
function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const clause = message.charAt(0).toLowerCase() + message.slice(1);
  return clause.length > longestMessage ? `${clause.slice(0, longestMessage)}...` : clause;
}
