import {
  type Alias,
  Composer,
  type CST,
  type DocumentOptions,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  type ParseOptions,
  Parser,
  type Scalar,
  type ScalarTag,
  type SchemaOptions,
  visit,
  type YAMLMap,
  type YAMLSeq,
  type Document as YamlDocument,
} from 'yaml';
import { cutText } from '../../lib/text.ts';
import type { Path } from '../../lib/unknown-values.ts';
import { type PlainDocument, parsePlainYaml } from './parse-plain-yaml.ts';
import { resolvePlain } from './plain-scalars.ts';

/** One document of a YAML text: its value and a way to find positions in the text, or what is wrong with it. */
export type ParsedYaml =
  | { readonly kind: 'value'; readonly value: unknown; readonly locate: (path: Path) => number }
  | { readonly kind: 'error'; readonly offset: number; readonly message: string };

/** How many characters are read between two calls of onProgress. */
const progressStep = 1 << 20;

/** The length of a message of the library, in characters. */
const longestMessage = 200;

/**
 * Manifests nest about thirty levels. The library recurses, and a stack overflow inside a regular expression ends the
 * process without an exception, so deeply nested input must not reach it.
 */
const deepestNesting = 300;

/**
 * Parses all documents of a YAML text; empty documents are left out. The syntax is that of YAML 1.2, merge keys included,
 * and values are what Kubernetes' tools make of them. Of the errors in a document only the first is returned, because the
 * others mostly follow from it.
 *
 * @param onProgress called with the number of characters read, about once per million and, for a long text, at the end.
 */
export function parseYaml(text: string, onProgress?: (charactersDone: number) => void): ParsedYaml[] {
  const announce = everyStep(onProgress);
  const documents = parsePlainYaml(text, announce)?.map(withPositions) ?? composeYaml(text, everyStep(onProgress));
  if (text.length >= progressStep) {
    onProgress?.(text.length);
  }
  return documents;
}

function everyStep(onProgress: ((charactersDone: number) => void) | undefined): (charactersDone: number) => void {
  let announced = 0;
  return (done) => {
    for (; done - announced >= progressStep; announced += progressStep) {
      onProgress?.(announced + progressStep);
    }
  };
}

/** Composes what a position is in when the first one is asked for, and keeps it: there may be thousands of diagnostics. */
function withPositions({ value, excerptWith }: PlainDocument): ParsedYaml {
  const composed = new Map<number, ParsedYaml | undefined>();
  const locate = (whole: Path): number => {
    const { text, start, path } = excerptWith(whole);
    if (!composed.has(start)) {
      composed.set(start, composeYaml(text)[0]);
    }
    const document = composed.get(start);
    return document?.kind === 'value' ? document.locate(path) + start : Math.max(0, start);
  };
  return { kind: 'value', value, locate };
}

/** What {@link parseYaml} returns, of any text: it knows where everything stands, and takes about ten times as long. */
export function composeYaml(text: string, onProgress: (charactersDone: number) => void = () => {}): ParsedYaml[] {
  const reading: Reading = { parser: new Parser(), onProgress, isTooDeep: false, hasAliases: false };
  const documents: ParsedYaml[] = [];
  try {
    const composer = new Composer(composerOptions);
    for (const document of composer.compose(readTokens(text, reading))) {
      documents.push(...readComposed(document, reading));
    }
  } catch (error) {
    documents.push(failure(error, 0));
  }
  if (reading.isTooDeep) {
    documents.push({ kind: 'error', offset: reading.parser.offset, message: 'values are nested too deeply' });
  }
  return documents;
}

/** For the library, which takes the first of these whose test a plain scalar passes; a tag chooses one by name. */
const scalarTags: ScalarTag[] = ['null', 'bool', 'int', 'float'].map((name) => ({
  tag: `tag:yaml.org,2002:${name}`,
  default: true,
  test: /^/,
  resolve: resolvePlain,
}));

/** All other tags are left out of account, so that all values are those that JSON has. */
const composerOptions: DocumentOptions & ParseOptions & SchemaOptions = {
  merge: true,
  schema: 'failsafe',
  customTags: scalarTags,
  resolveKnownTags: false,
  prettyErrors: false,
  uniqueKeys: false,
  logLevel: 'error',
};

interface Reading {
  readonly parser: Parser;
  readonly onProgress: (charactersDone: number) => void;
  isTooDeep: boolean;
  hasAliases: boolean;
}

/** The same as Parser.parse, with progress and a limit of nesting. */
function* readTokens(text: string, reading: Reading): Generator<CST.Token, void> {
  const { parser, onProgress } = reading;
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    reading.hasAliases ||= lexeme.startsWith('*');
    if (parser.stack.length > deepestNesting) {
      reading.isTooDeep = true;
      return;
    }
    onProgress(parser.offset);
  }
  yield* parser.end();
}

function readComposed(document: YamlDocument.Parsed, { hasAliases }: Reading): ParsedYaml[] {
  const [error] = document.errors;
  if (error) {
    return [{ kind: 'error', offset: error.pos[0], message: wordsOf(error) }];
  }
  const wrong = findWrongKey(document);
  if (wrong) {
    const message = isScalar(wrong) ? 'map keys must be unique' : 'a key is a mapping or a list';
    return [{ kind: 'error', offset: wrong.range?.[0] ?? 0, message }];
  }
  const bad = hasAliases ? findBadAlias(document) : undefined;
  if (bad) {
    return [{ kind: 'error', offset: bad.alias.range?.[0] ?? 0, message: bad.message }];
  }
  try {
    // By default, the library refuses the 101st use of an anchor, however small.
    const value: unknown = document.toJS({ maxAliasCount: mostAliases });
    if (hasAliases && explodes(value)) {
      return [failure('aliases stand for too many values', document.contents?.range[0] ?? 0)];
    }
    return value === null ? [] : [{ kind: 'value', value, locate: (path) => locateInYaml(document, path) }];
  } catch (error) {
    return [failure(error, document.contents?.range[0] ?? document.range[0])];
  }
}

/**
 * The first key that is repeated, or that is not a scalar, as in `name: {{ .Values.name }}`. The library can find repeated
 * ones too, but compares every key of a mapping with every other one.
 */
function findWrongKey(document: YamlDocument.Parsed): Scalar | YAMLMap | YAMLSeq | undefined {
  let wrong: Scalar | YAMLMap | YAMLSeq | undefined;
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      wrong = map.items
        .map(({ key }) => key)
        .find((key): key is Scalar | YAMLMap | YAMLSeq => (isScalar(key) ? isRepeated(key, seen) : isCollection(key)));
      return wrong ? visit.BREAK : undefined;
    },
  });
  return wrong;
}

/** Several merges into one mapping are allowed. */
function isRepeated({ value }: Scalar, seen: Set<unknown>): boolean {
  const isKnown = seen.has(value) && value !== '<<';
  seen.add(value);
  return isKnown;
}

/** The library takes time in proportion to their square. */
const mostAliases = 10_000;

/** An alias inside its own anchor, which would expand to an infinite value, or one too many. */
function findBadAlias(document: YamlDocument.Parsed): { readonly alias: Alias; readonly message: string } | undefined {
  let bad: { readonly alias: Alias; readonly message: string } | undefined;
  let count = 0;
  visit(document, {
    Alias: (_, alias, ancestors) => {
      count += 1;
      if (count > mostAliases) {
        bad = {
          alias,
          message: `more than ${mostAliases.toLocaleString('en')} aliases; write JSON, or files without aliases`,
        };
        return visit.BREAK;
      }
      // Names first, because finding the node of an anchor takes a walk through the document.
      const isNamed = ancestors.some(
        (ancestor) => isNode(ancestor) && !isAlias(ancestor) && ancestor.anchor === alias.source,
      );
      const target = isNamed ? alias.resolve(document) : undefined;
      if (target && ancestors.some((ancestor) => ancestor === target)) {
        bad = { alias, message: `the alias *${alias.source} is inside its own anchor` };
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return bad;
}

/** How many values aliases may add, and how many times as many as are written; go-yaml allows as much (decode.go). */
const [mostValues, mostRepetition] = [400_000, 10];

/** Whether reading all of a value, in which aliases are the same object again and again, takes far too long. */
function explodes(value: unknown): boolean {
  const sizes = new Map<object, number>();
  let written = 0;
  const sizeOf = (part: unknown): number => {
    if (typeof part !== 'object' || part === null) {
      return 1;
    }
    const known = sizes.get(part);
    if (known !== undefined) {
      return known;
    }
    const parts: readonly unknown[] = Object.values(part);
    written += parts.length;
    const size = parts.reduce<number>((sum, one) => sum + sizeOf(one), 1);
    sizes.set(part, size);
    return size;
  };
  const all = sizeOf(value);
  return all > mostValues && all > mostRepetition * written;
}

/** The library throws for aliases that would expand too far. */
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

/** The message of the library, starting in lower case and cut: some messages quote the text. */
function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const clause = message.charAt(0).toLowerCase() + message.slice(1);
  return cutText(clause, longestMessage);
}
