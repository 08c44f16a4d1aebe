import { type Diagnostic, type DiagnosticCode, diagnosticInFile } from '../../diagnostics/diagnostic.ts';
import type { Document, InputText, Position, Source } from '../../diagnostics/document.ts';
import { appendAll } from '../../lib/lists.ts';
import { isMapping } from '../../lib/unknown-values.ts';
import { type JsonText, locateInJson, type ParsedJson, parseJson } from './parse-json.ts';
import { parseYaml } from './parse-yaml.ts';
import { decodeText, findLineStarts, positionAt } from './positions.ts';

/** What was read: every object in the order of the files, and a diagnostic for each text or part of one that is none. */
export interface ReadResult {
  readonly documents: Document[];
  readonly diagnostics: Diagnostic[];
}

/** Told about once for each megabyte of YAML, which takes its time; never for JSON. */
export type OnProgress = (file: string, bytesDone: number, bytesTotal: number) => void;

/**
 * Reads manifests: YAML or JSON by the first character that is not blank, several documents in a text, lists expanded.
 * Never throws for wrong input. Values are handed on as they are; whether they are Kubernetes objects is the next
 * phase's question.
 */
export function readDocuments(texts: readonly InputText[], onProgress?: OnProgress): ReadResult {
  const documents: Document[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const text of texts) {
    const result = readText(text, onProgress);
    appendAll(documents, result.documents);
    appendAll(diagnostics, result.diagnostics);
  }
  return { documents, diagnostics };
}

function readText(input: InputText, onProgress: OnProgress | undefined): ReadResult {
  const text = decodeText(input);
  if (typeof text !== 'string') {
    return { documents: [], diagnostics: [text] };
  }
  const first = text.charAt(text.search(/\S/));
  const result = first === '{' || first === '[' ? readJson(text, input) : readYaml(text, input, onProgress);
  if (result.documents.length === 0 && result.diagnostics.length === 0 && !result.hasValue) {
    const message = 'the input is empty; Kubernetes objects in YAML or JSON are expected';
    return { documents: [], diagnostics: [diagnosticInFile('empty-input', message, input.file)] };
  }
  return result;
}

/** A list without items is a value, though it gives no document. */
interface TextResult extends ReadResult {
  readonly hasValue: boolean;
}

function readJson(text: string, input: InputText): TextResult {
  const { values, error } = parseJson(text);
  const documents = expandJson(values, input.file, jsonLocator(input));
  const diagnostics = error ? [syntaxError('invalid-json', error, text, input.file)] : [];
  return { documents, diagnostics, hasValue: values.length > 0 };
}

/** A function of its own, as one that sees the bytes keeps them even if it has no use for them. */
function expandJson(values: ParsedJson['values'], file: string, locator: JsonLocator): Document[] {
  return values.flatMap(({ value, start }) => expandLists(value, { file, locate: (path) => locator(start, path) }));
}

type JsonLocator = (start: number, path: Document['path']) => Position | undefined;

/**
 * Finds positions in a JSON file. Keeps neither its text nor, where it can be read again, its bytes: a dump of a large
 * cluster is larger than everything that is made of it.
 */
function jsonLocator(input: InputText): JsonLocator {
  const { file } = input;
  const reread = readerOf(input);
  let known: { readonly json: JsonText; readonly lineStarts: readonly number[] } | undefined;
  return (start, path) => {
    if (!known) {
      const content = reread();
      const text = content && decodeText({ file, content });
      if (typeof text !== 'string') {
        return undefined;
      }
      known = { json: { text, children: new Map() }, lineStarts: findLineStarts(text) };
    }
    return positionAt(known.json.text, known.lineStarts, locateInJson(known.json, start, path));
  };
}

function readerOf({ content, reread }: InputText): () => Uint8Array | undefined {
  return reread ?? keep(content);
}

function keep(content: Uint8Array): () => Uint8Array {
  return () => content;
}

function readYaml(text: string, input: InputText, onProgress: OnProgress | undefined): TextResult {
  const { file, content } = input;
  const parsed = parseYaml(
    text,
    onProgress && ((done) => onProgress(file, scale(done, text, content), content.length)),
  );
  let lineStarts: readonly number[] | undefined;
  const documents: Document[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const document of parsed) {
    if (document.kind === 'error') {
      lineStarts ??= findLineStarts(text);
      const position = positionAt(text, lineStarts, document.offset);
      diagnostics.push(diagnosticInFile('invalid-yaml', document.message, file, position));
      continue;
    }
    const locate: Source['locate'] = (path) => {
      lineStarts ??= findLineStarts(text);
      return positionAt(text, lineStarts, document.locate(path));
    };
    appendAll(documents, expandLists(document.value, { file, locate }));
  }
  return { documents, diagnostics, hasValue: parsed.length > 0 };
}

function scale(charactersDone: number, text: string, content: Uint8Array): number {
  return Math.round((charactersDone / text.length) * content.length);
}

function syntaxError(
  code: DiagnosticCode,
  { offset, message }: { readonly offset: number; readonly message: string },
  text: string,
  file: string,
): Diagnostic {
  return diagnosticInFile(code, message, file, positionAt(text, findLineStarts(text), offset));
}

const source: Source = { file: '<objects>', locate: () => undefined };

/** Documents for Kubernetes objects that are at hand already, lists expanded. Diagnostics about them name no line. */
export function documentsOf(objects: readonly unknown[]): Document[] {
  return expandLists(objects, source);
}

/** Lists inside lists deeper than this stay as they are; a path is copied for each level. */
const deepestPath = 64;

/**
 * The objects in a parsed value, in their order: the value itself, or the items of a `kind: List`, of a typed list such
 * as ServiceList, whose items may leave out kind and apiVersion (metav1.List), or of a plain list at the top.
 */
function expandLists(value: unknown, source: Source): Document[] {
  const objects: Document[] = [];
  const pending: Document[] = [{ value, source, path: [] }];
  for (let document = pending.pop(); document; document = pending.pop()) {
    const items = document.path.length < deepestPath ? itemsOf(document) : undefined;
    if (items) {
      pushReversed(pending, items);
    } else {
      objects.push(document);
    }
  }
  return objects;
}

function pushReversed(pending: Document[], items: readonly Document[]): void {
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (item) {
      pending.push(item);
    }
  }
}

function itemsOf({ value, source, path }: Document): Document[] | undefined {
  if (Array.isArray(value)) {
    return path.length === 0 ? value.map((item, index) => ({ value: item, source, path: [index] })) : undefined;
  }
  if (!isMapping(value) || typeof value['kind'] !== 'string' || !value['kind'].endsWith('List')) {
    return undefined;
  }
  const { kind, apiVersion } = value;
  const items = value['items'] ?? (kind === 'List' || 'items' in value ? [] : undefined);
  if (!Array.isArray(items)) {
    return undefined;
  }
  const defaults = kind === 'List' ? undefined : { kind: value['kind'].slice(0, -'List'.length), apiVersion };
  return items.map((item, index) => ({ value: withKind(item, defaults), source, path: [...path, 'items', index] }));
}

function withKind(item: unknown, defaults: object | undefined): unknown {
  return defaults && isMapping(item) && item['kind'] === undefined ? { ...defaults, ...item } : item;
}
