import { basename, dirname, join } from 'node:path';
import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import { countOf, limitList } from '../../lib/text.ts';
import { describeValue, isMapping, listIn, mappingIn, type Path } from '../../lib/unknown-values.ts';

/* Texts that are not manifests, but that people pass as such, or keep in the same folder. */

/** A file that a folder has besides manifests. */
export interface ForeignFile {
  readonly file: string;
  readonly why: 'no object' | 'kustomization' | 'patch' | 'template' | 'nothing left';
}

/** Why a file that was found in a folder is not a manifest; undefined for one, which may have mistakes. */
export function whyForeign(
  text: string,
  { documents, diagnostics }: { readonly documents: readonly Document[]; readonly diagnostics: readonly Diagnostic[] },
): ForeignFile['why'] | undefined {
  const values = documents.map(({ value }) => value);
  const isBroken = diagnostics.some(({ code }) => code === 'invalid-yaml' || code === 'invalid-json');
  const isEmpty = diagnostics.some(({ code }) => code === 'empty-input');
  const hasBraces = mayBeTemplate(text);
  if (hasBraces && ((isBroken && isTemplate(text) && !isList(text)) || values.some(findPlaceholder))) {
    return 'template';
  }
  // A list without items is a cluster without objects.
  const isManifest = values.length === 0 && !isBroken && !isEmpty;
  if (isManifest || (isBroken && mentionsObject(text)) || !documents.every(isForeign)) {
    return undefined;
  }
  if (values.length === 0 && isCutOff(text)) {
    return 'nothing left';
  }
  return documents.some(isKustomization) ? 'kustomization' : 'no object';
}

/** Whether a text begins as a list in YAML, whose annotations may have lines that look like templates. Indented or not. */
function isList(text: string): boolean {
  return /^apiVersion: v1\r?\nitems:\r?\n *- apiVersion: /.test(text);
}

/** Whether a text is blank, or JSON without its end: what a command that failed leaves in a file. */
function isCutOff(text: string): boolean {
  const trimmed = text.trim();
  return trimmed === '' || (/^[{[]/.test(trimmed) && !/[}\]]/.test(trimmed.slice(-1)));
}

/** The files that a kustomization applies to objects, of which they are parts. */
export function patchesIn(file: string, documents: readonly Document[]): string[] {
  if (!kustomizationName.test(basename(file))) {
    return [];
  }
  const values = documents.map(({ value }) => value).filter(isMapping);
  const entries = values.flatMap((value) => patchFields.flatMap((field) => listIn(value, field)));
  const paths = entries.map((entry) => (isMapping(entry) ? entry['path'] : entry));
  return paths.flatMap((path) => (typeof path === 'string' ? join(dirname(file), path) : []));
}

const patchFields = ['patches', 'patchesStrategicMerge', 'patchesJson6902', 'replacements', 'transformers'];

/** How many names of files a message has, and the characters of each. */
const shownFiles = 5;
const shownName = 200;

/**
 * A warning that names the foreign files, none without any.
 *
 * @param isAll whether the folders have no manifest, which is an error.
 */
export function describeForeign(files: readonly ForeignFile[], isAll: boolean): Diagnostic[] {
  if (files.length === 0) {
    return [];
  }
  const names = files.map(({ file }) => (file.length > shownName ? `...${file.slice(-shownName)}` : file));
  const list = limitList(names, shownFiles).join(', ');
  const message = isAll
    ? `no file has a Kubernetes object: ${list}`
    : `passed over ${countOf(files.length, 'file')} without a Kubernetes object: ${list}`;
  return [{ code: isAll ? 'no-manifests' : 'foreign-files', message: `${message}${adviceFor(files)}` }];
}

function adviceFor(files: readonly ForeignFile[]): string {
  if (files.some(({ why }) => why === 'template')) {
    return '; render templates first: helm template';
  }
  const isKustomized = files.some(({ why }) => why === 'kustomization');
  return isKustomized ? '; to build a kustomization: kubectl kustomize DIR' : '';
}

/** Characters at the beginning of a text that are looked at; what a command prints in place of objects begins with it. */
const head = 2000;

/** How much of an error is quoted, in characters. */
const longestQuote = 200;

/** What kubectl printed in place of objects, as a message with advice; undefined for any other text. */
export function describeOutput(text: string): string | undefined {
  const beginning = text.slice(0, head).trimStart();
  const [line = ''] = beginning.split(/\r?\n/, 1);
  if (/^(NAMESPACE\s+)?NAME\s{2,}[A-Z]/.test(line)) {
    return 'a table that kubectl printed, not objects; add -o json to the command';
  }
  if (/^Name:\s+\S+\s*\n(Namespace|Labels):\s/.test(beginning)) {
    return 'the output of kubectl describe, not objects; use kubectl get with -o json';
  }
  if (/^(service|endpointslice\.discovery\.k8s\.io|node|pod)\/\S+$/.test(line)) {
    return 'names that kubectl prints with -o name, not objects; use -o json';
  }
  if (line.startsWith('No resources found')) {
    return 'kubectl found no objects; check the namespace (-A for all) and the kinds that it was asked for';
  }
  if (failures.some((failure) => failure.test(line))) {
    return `a message of kubectl, not objects: ${describeValue(line, longestQuote)}; check that the command works, and pass on only its stdout`;
  }
  return undefined;
}

const failures: readonly RegExp[] = [
  /^Error from server\b/,
  /^error: /,
  /^Error: /,
  /^Warning: /,
  /^The connection to the server /,
  /^Unable to connect to the server/,
  // How client-go logs on stderr.
  /^[EWIF]\d{4} \d\d:\d\d:\d\d\.\d+ /,
];

/** What to do with a template. */
export const renderAdvice = 'render it first: helm template';

/** In characters. Templates are smaller, and looking into all objects of a dump takes time. */
const longestTemplate = 2 ** 20;

/** Whether a text can have placeholders of a template at all, which few texts do. */
export function mayBeTemplate(text: string): boolean {
  return text.length <= longestTemplate && text.includes('{{');
}

/** Whether a text has placeholders of Go templates where YAML and JSON have values: `name: {{ .Values.name }}`. */
export function isTemplate(text: string): boolean {
  return /^[ \t]*(- +)*("?[\w./-]+"?:[ \t]+)?\{\{/m.test(text);
}

/**
 * Where an object that rules depend on has a placeholder of a template: `name: "{{ .Release.Name }}-web"`. Annotations
 * may have braces of their own.
 */
export function findPlaceholder(value: unknown): Path | undefined {
  if (!isMapping(value) || typeof value['kind'] !== 'string' || !templateKinds.has(value['kind'])) {
    return undefined;
  }
  const { name, namespace } = mappingIn(value, 'metadata');
  return findBraces({ metadata: { name, namespace }, spec: value['spec'] }, []);
}

function findBraces(value: unknown, path: Path): Path | undefined {
  if (typeof value === 'string') {
    return value.includes('{{') ? path : undefined;
  }
  if (typeof value !== 'object' || value === null || path.length >= deepestField) {
    return undefined;
  }
  const isList = Array.isArray(value);
  for (const [key, below] of Object.entries(value)) {
    const found = findBraces(below, [...path, isList ? Number(key) : key]);
    if (found) {
      return found;
    }
  }
  return undefined;
}

const templateKinds: ReadonlySet<string> = new Set(['Service', 'EndpointSlice', 'Node', 'ServiceCIDR']);

/** Fields of these kinds that rules depend on are not deeper. */
const deepestField = 8;

/** Whether a text that cannot be parsed was meant to have a Kubernetes object. */
function mentionsObject(text: string): boolean {
  return /(^|[{,])[ \t]*(- +)*["']?(apiVersion|kind)["']?[ \t]*:/m.test(text);
}

/** Whether a value is what `kubectl kustomize` reads: a Kustomization, whose kind and apiVersion may be missing, or a Component. */
export function isKustomization({ value, source, path }: Document): boolean {
  if (!isMapping(value)) {
    return false;
  }
  const { apiVersion, kind } = value;
  if (typeof apiVersion === 'string' && !apiVersion.startsWith('kustomize.config.k8s.io/')) {
    return false;
  }
  if (kind === undefined && apiVersion === undefined) {
    const hasName = path.length === 0 && kustomizationName.test(basename(source.file));
    return hasName || kustomizationFields.some((field) => Array.isArray(value[field]));
  }
  return kind === undefined || kind === 'Kustomization' || kind === 'Component';
}

/** Names of files that `kubectl kustomize DIR` looks for. */
const kustomizationName = /^(kustomization\.ya?ml|Kustomization)$/;

const kustomizationFields = ['resources', 'bases', 'components', 'patches', 'patchesStrategicMerge', 'patchesJson6902'];

/**
 * Whether a value has nothing of a Kubernetes object, as package.json, the values of a chart and the patches of a
 * kustomization have not. An object whose kind was forgotten is a mistake, not foreign; Chart.yaml has an apiVersion too.
 * So is the beginning of a list in YAML, of which kubectl prints apiVersion, items and kind, in this order.
 */
function isForeign(document: Document): boolean {
  const { value } = document;
  if (!isMapping(value)) {
    return true;
  }
  const isObject =
    value['apiVersion'] !== undefined &&
    (value['metadata'] !== undefined || 'items' in value || Object.keys(value).length === 1);
  return (value['kind'] === undefined && !isObject) || isKustomization(document);
}
