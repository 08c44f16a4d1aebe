import {
  type Diagnostic,
  type DiagnosticCode,
  diagnosticInFile,
  type Problem,
  toDiagnostic,
} from '../../diagnostics/diagnostic.ts';
import type { Document, InputText, Position, Source } from '../../diagnostics/document.ts';
import { continuationOf, isAbridged, wholeInput } from '../../kubernetes/completeness.ts';
import { appendAll } from '../../lib/lists.ts';
import { describePath, isMapping, mappingIn } from '../../lib/unknown-values.ts';
import {
  describeForeign,
  describeOutput,
  type ForeignFile,
  findPlaceholder,
  isKustomization,
  isTemplate,
  mayBeTemplate,
  patchesIn,
  renderAdvice,
  whyForeign,
} from './foreign-texts.ts';
import { type JsonText, locateInJson, type ParsedJson, parseJson } from './parse-json.ts';
import { parseYaml } from './parse-yaml.ts';
import { decodeText, findLineStarts, positionAt } from './positions.ts';
import { applyWatchEvents } from './watch-events.ts';

/** The objects that were read, in the order of the files, and a diagnostic for each text or document that could not be. */
export interface ReadResult {
  readonly documents: Document[];
  readonly diagnostics: Diagnostic[];
}

/** Called about once per megabyte of YAML, which is slower to read; never for JSON. */
export type OnProgress = (file: string, bytesDone: number, bytesTotal: number) => void;

/**
 * Reads manifests. The first character that is not blank decides whether a text is YAML or JSON; it may have several
 * documents, lists are expanded, and watch events applied. Files that were found in folders may be no manifests: those are
 * passed over, with one warning. Wrong input does not throw. Whether the values are Kubernetes objects is checked in
 * phase 2.
 */
export function readDocuments(texts: readonly InputText[], onProgress?: OnProgress): ReadResult {
  const misuse = checkTexts(texts);
  if (misuse) {
    return { documents: [], diagnostics: [misuse] };
  }
  const results = texts.map((text) => readText(text, onProgress));
  const patches = new Set(results.flatMap((result) => result.patches));
  const documents: Document[] = [];
  const diagnostics: Diagnostic[] = [];
  const foreign: ForeignFile[] = [];
  const hasManifest = results.some(({ why }) => why === undefined);
  for (const { file, isFound, ...result } of results) {
    const why = isFound && patches.has(file) ? 'patch' : result.why;
    if (why === 'nothing left' && hasManifest) {
      appendAll(diagnostics, result.diagnostics.map(asWarning));
    } else if (why) {
      foreign.push({ file, why });
    } else {
      appendAll(documents, result.documents);
      appendAll(diagnostics, result.diagnostics);
    }
  }
  const changed = applyWatchEvents(documents);
  const aboutFolders = describeForeign(foreign, foreign.length > 0 && foreign.length === results.length);
  return { documents: changed.documents, diagnostics: [...diagnostics, ...changed.diagnostics, ...aboutFolders] };
}

/** Programs in JavaScript may give texts as strings. */
function checkTexts(texts: unknown): Diagnostic | undefined {
  const list: readonly unknown[] = Array.isArray(texts) ? texts : [undefined];
  const index = list.findIndex((text) => !isInputText(text));
  if (index < 0) {
    return undefined;
  }
  const message = 'expected a list of { file, content }, with the name as a string and the content as bytes';
  return { code: 'invalid-option', message: `texts${Array.isArray(texts) ? `[${index}]` : ''}: ${message}` };
}

function isInputText(value: unknown): boolean {
  return isMapping(value) && typeof value['file'] === 'string' && value['content'] instanceof Uint8Array;
}

/** Of a file that may be foreign, or what is left of a manifest. */
function asWarning(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, severity: 'warning' };
}

interface FileResult extends ReadResult {
  readonly file: string;
  /** Whether it was found in a folder. */
  readonly isFound: boolean;
  /** If it is not a manifest. */
  readonly why?: ForeignFile['why'] | undefined;
  /** Files that are patches, according to this one. */
  readonly patches: readonly string[];
}

/** It does not keep the text, which is large. */
function readText(input: InputText, onProgress: OnProgress | undefined): FileResult {
  const { file, isFound = false } = input;
  const text = decodeText(input);
  if (typeof text !== 'string') {
    return { file, isFound, documents: [], diagnostics: [text], patches: [] };
  }
  const result = parseText(text, input, onProgress);
  if (!isFound) {
    return { file, isFound, patches: [], ...adviseToRender(text, result) };
  }
  return { file, isFound, ...result, why: whyForeign(text, result), patches: patchesIn(file, result.documents) };
}

function parseText(text: string, input: InputText, onProgress: OnProgress | undefined): ReadResult {
  const first = text.charAt(text.search(/\S/));
  const isJson = first === '{' || first === '[';
  const output = isJson ? undefined : describeOutput(text);
  if (output !== undefined) {
    const error = { offset: text.search(/\S/), message: output };
    return { documents: [], diagnostics: [syntaxError('kubectl-output', error, text, input.file)] };
  }
  const result = isJson ? readJson(text, input) : readYaml(text, input, onProgress);
  if (result.documents.length === 0 && result.diagnostics.length === 0 && !result.hasValue) {
    const message = `the input is empty; expected Kubernetes objects in YAML or JSON: ${wholeInput}`;
    return { documents: [], diagnostics: [diagnosticInFile('empty-input', message, input.file)] };
  }
  return result;
}

/** Says what renders a template or a kustomization that is passed as a manifest. */
function adviseToRender(text: string, { documents, diagnostics }: ReadResult): ReadResult {
  const hasBraces = mayBeTemplate(text);
  const advised =
    hasBraces && diagnostics.length > 0 && isTemplate(text)
      ? diagnostics.map((diagnostic) => ({ ...diagnostic, message: `${diagnostic.message}; ${renderAdvice}` }))
      : diagnostics;
  const problems = documents.map((document) => findUnrendered(document, hasBraces));
  if (!problems.some((problem) => problem)) {
    return { documents, diagnostics: advised };
  }
  const found = documents.flatMap((document, index) => {
    const problem = problems[index];
    return problem ? [toDiagnostic(problem, document)] : [];
  });
  return { documents: documents.filter((_, index) => !problems[index]), diagnostics: [...advised, ...found] };
}

function findUnrendered(document: Document, hasBraces: boolean): Problem | undefined {
  const { value } = document;
  if (isKustomization(document)) {
    const message = 'not an object of a cluster; build its objects first: kubectl kustomize DIR';
    return { code: 'unrendered', path: ['kind'], message };
  }
  const path = hasBraces ? findPlaceholder(value) : undefined;
  return path && { code: 'unrendered', path, message: `${describePath(path)} is that of a template; ${renderAdvice}` };
}

/** A list without items is a value, but no document. */
interface TextResult extends ReadResult {
  readonly hasValue: boolean;
}

function readJson(text: string, input: InputText): TextResult {
  const { values, error } = parseJson(text);
  const documents = expandJson(values, input.file, jsonLocator(input));
  // What kubectl says on stderr may come after the objects.
  const output = error && describeOutput(text.slice(error.offset));
  const problem = output === undefined ? error : { offset: error?.offset ?? 0, message: output };
  const code = output === undefined ? 'invalid-json' : 'kubectl-output';
  const diagnostics = problem ? [syntaxError(code, problem, text, input.file)] : [];
  return { documents, diagnostics, hasValue: values.length > 0 };
}

/** A separate function, because a closure beside variables with the bytes would keep them in memory. */
function expandJson(values: ParsedJson['values'], file: string, locator: JsonLocator): Document[] {
  return values.flatMap(({ value, start }) => expandLists(value, { file, locate: (path) => locator(start, path) }));
}

type JsonLocator = (start: number, path: Document['path']) => Position | undefined;

/**
 * Finds positions in a JSON file. It keeps neither the text nor, if the file can be read again, its bytes: a dump of a
 * large cluster is larger than everything that is compiled from it.
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

/** Documents for Kubernetes objects in memory, with lists expanded. Diagnostics about them have no position. */
export function documentsOf(objects: readonly unknown[]): Document[] {
  return expandLists(objects, source).map(withTimeAsText);
}

/** Clients such as @kubernetes/client-node turn creationTimestamp into a Date. As text it is as the API server writes it. */
function withTimeAsText(document: Document): Document {
  const { value } = document;
  const metadata = isMapping(value) ? mappingIn(value, 'metadata') : {};
  const { creationTimestamp: time } = metadata;
  if (!isMapping(value) || !(time instanceof Date) || Number.isNaN(time.getTime())) {
    return document;
  }
  const creationTimestamp = time.toISOString().replace('.000Z', 'Z');
  return { ...document, value: { ...value, metadata: { ...metadata, creationTimestamp } } };
}

/** Lists nested deeper than this are not expanded, because a path is copied for each level. */
const deepestPath = 64;

/**
 * The objects in a parsed value, in order: the value itself, or the items of a `kind: List`, of a typed list such as
 * ServiceList, whose items may omit kind and apiVersion (metav1.List), or of a plain list at the top level. A list that
 * is not whole stays as a document too, without its items, and so does one that has none, or that was expanded before, for
 * phase 2 to report: in memory, a list can be inside itself, or many times in the lists of another.
 */
function expandLists(value: unknown, source: Source): Document[] {
  const objects: Document[] = [];
  const expanded = new Set<unknown>();
  const pending: Document[] = [{ value, source, path: [] }];
  for (let document = pending.pop(); document; document = pending.pop()) {
    const isFirst = document.path.length < deepestPath && !expanded.has(document.value);
    const items = isFirst ? itemsOf(document) : undefined;
    if (items) {
      if (items.length > 0) {
        expanded.add(document.value);
      }
      pushReversed(pending, items);
      appendAll(objects, restOf(document));
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

function restOf({ value, source, path }: Document): Document[] {
  if (continuationOf(value) === undefined || !isMapping(value)) {
    return [];
  }
  const { apiVersion, kind, metadata } = value;
  return [{ value: { apiVersion, kind, metadata }, source, path }];
}

function itemsOf({ value, source, path }: Document): Document[] | undefined {
  if (Array.isArray(value)) {
    return path.length === 0 ? value.map((item, index) => ({ value: item, source, path: [index] })) : undefined;
  }
  if (!isMapping(value) || typeof value['kind'] !== 'string' || !value['kind'].endsWith('List') || isAbridged(value)) {
    return undefined;
  }
  const { kind, apiVersion, items } = value;
  if (!Array.isArray(items)) {
    return undefined;
  }
  const defaults = kind === 'List' ? undefined : { kind: value['kind'].slice(0, -'List'.length), apiVersion };
  return items.map((item, index) => ({ value: withKind(item, defaults), source, path: [...path, 'items', index] }));
}

function withKind(item: unknown, defaults: object | undefined): unknown {
  return defaults && isMapping(item) && item['kind'] === undefined ? { ...defaults, ...item } : item;
}
