import { type Diagnostic, diagnosticInFile, type Report } from '../diagnostics/diagnostic.ts';
import type { Document, InputText, Position } from '../diagnostics/document.ts';
import { cutText, suggestClosest } from '../lib/text.ts';
import { describePath, describeValue, isMapping, type Mapping, mappingIn, type Path } from '../lib/unknown-values.ts';
import type { CompileOptions } from '../options.ts';
import { type ReadResult, readDocuments } from '../phases/1-read/read-documents.ts';
import {
  configOptions,
  readServerAddresses,
  readSyncPeriods,
  type ServerAddresses,
  type SyncPeriods,
  textOf,
} from './config-options.ts';
import { type ConfigFields, kubeProxyFields, type ValueField, type ValueType } from './kube-proxy-fields.ts';
import { type KubeProxySettings, readKubeProxySettings } from './kube-proxy-settings.ts';
import { parseDuration } from './parse-duration.ts';

/** The options that a configuration sets, and diagnostics about what is wrong with it or has no effect. */
interface ConfigResult {
  readonly options: Partial<CompileOptions>;
  /** How often an agent syncs. */
  readonly periods: SyncPeriods;
  /** Where an agent serves HTTP; absent for a file that has no configuration. */
  readonly servers?: ServerAddresses;
  /** What else concerns an agent alone. */
  readonly settings: KubeProxySettings;
  /** `mode`, by default that of kube-proxy on Linux; absent for a file that has no configuration. */
  readonly mode?: string;
  readonly diagnostics: Diagnostic[];
}

/** The kind of a configuration file of kube-proxy. */
const configurationKind = 'KubeProxyConfiguration';
const apiVersion = 'kubeproxy.config.k8s.io/v1alpha1';

/**
 * Reads a configuration of kube-proxy, in YAML or JSON, so that a cluster's existing one can be used: its file, a file for
 * kubeadm that has one among other documents, or the ConfigMap kube-proxy. A configuration that kubeadm wrote gives no
 * diagnostics. Wrong input does not throw.
 */
export function readKubeProxyConfig(text: InputText): ConfigResult {
  const { documents, diagnostics: misread } = readDocuments([text]);
  const diagnostics = misread.map(withKind);
  const found = findConfigurations(documents);
  diagnostics.push(...found.diagnostics);
  const [document, second] = found.documents;
  if (!document) {
    diagnostics.push(...(diagnostics.length > 0 ? [] : [describeMissingConfiguration(documents, text.file)]));
    return { options: {}, periods: {}, settings: {}, diagnostics };
  }
  const report = reportTo(diagnostics, document);
  if (second) {
    reportTo(diagnostics, second)('invalid-config', [], `this is a second ${configurationKind}; expected one`);
  }
  const config = isMapping(document.value) ? document.value : {};
  if (config['apiVersion'] !== apiVersion) {
    const message = `apiVersion is ${describeValue(config['apiVersion'])}; expected ${apiVersion}`;
    report('invalid-config', ['apiVersion'], message);
    return { options: {}, periods: {}, settings: {}, diagnostics };
  }
  checkConfigFields(config, report);
  const options = configOptions(config, report);
  const periods = readSyncPeriods(config, report);
  const servers = readServerAddresses(config, report);
  const settings = readKubeProxySettings(config, report);
  const mode = textOf(config, 'mode') || 'iptables';
  return { options, periods, servers, settings, mode, diagnostics: diagnostics.sort(byPosition) };
}

/** Where there is nothing, a configuration was expected, not the objects of a cluster. */
function withKind(diagnostic: Diagnostic): Diagnostic {
  const message = `the file is empty; expected a ${configurationKind}`;
  return diagnostic.code === 'empty-input' ? { ...diagnostic, message } : diagnostic;
}

/** The key of the ConfigMap kube-proxy, which kubeadm writes, that has the configuration. */
const usualKey = 'config.conf';

/**
 * The configurations of kube-proxy among documents: by themselves, as in a file for kubeadm, or as text in a ConfigMap. Of
 * a ConfigMap, `config.conf` counts, or if it has none, all other keys. Documents of other kinds are passed over.
 */
function findConfigurations(documents: readonly Document[]): ReadResult {
  const found: Document[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const document of documents) {
    const { value } = document;
    if (isOfKind(value, configurationKind)) {
      found.push(document);
    } else if (isOfKind(value, 'ConfigMap')) {
      const embedded = readConfigMap(mappingIn(value, 'data'), document.source.file);
      found.push(...embedded.documents);
      diagnostics.push(...embedded.diagnostics);
    }
  }
  return { documents: found, diagnostics };
}

function isOfKind(value: unknown, kind: string): value is Mapping {
  return isMapping(value) && value['kind'] === kind;
}

function readConfigMap(data: Mapping, file: string): ReadResult {
  const texts = Object.entries(data).flatMap(([key, text]) =>
    typeof text === 'string' && mentionsKind.test(text) ? [{ key, text }] : [],
  );
  const usual = texts.filter(({ key }) => key === usualKey);
  const read = (usual.length > 0 ? usual : texts).map(({ key, text }) => readText(key, text, file));
  return {
    documents: read.flatMap((result) => result.documents),
    diagnostics: read.flatMap((result) => result.diagnostics),
  };
}

/** Only such texts are parsed, because a ConfigMap may hold anything. */
const mentionsKind = new RegExp(`(^|[{,])[ \\t]*["']?kind["']?[ \\t]*:[ \\t]*["']?${configurationKind}\\b`, 'm');

/** Characters of a key that are shown. */
const shownKey = 60;

/** Positions are those in the text, which the name of the file says. */
function readText(key: string, text: string, file: string): ReadResult {
  const name = cutText(key, shownKey);
  const { documents, diagnostics } = readDocuments([
    { file: `${file}, text of data[${JSON.stringify(name)}]`, content: Buffer.from(text) },
  ]);
  return { documents: documents.filter(({ value }) => isOfKind(value, configurationKind)), diagnostics };
}

function describeMissingConfiguration(documents: readonly Document[], file: string): Diagnostic {
  const [document, second] = documents;
  if (!document) {
    return diagnosticInFile('invalid-config', `the file has an empty list; expected a ${configurationKind}`, file);
  }
  const { value } = document;
  const problem = (message: string, path: Path = []): Diagnostic => ({
    code: 'invalid-config',
    message,
    place: { document, path },
  });
  if (second) {
    return problem(
      `none of the ${documents.length.toLocaleString('en')} objects in the file is a ${configurationKind}`,
    );
  }
  if (!isMapping(value)) {
    return problem(`this is ${describeValue(value)}; expected a ${configurationKind}`);
  }
  return value['kind'] === 'ConfigMap'
    ? problem(`no text in this ConfigMap has the kind ${configurationKind}; use the one of kube-proxy`, ['data'])
    : problem(`kind is ${describeValue(value['kind'])}; expected ${configurationKind}`, ['kind']);
}

function reportTo(diagnostics: Diagnostic[], document: Document): Report {
  return (code, path, message) => {
    diagnostics.push({ code, message, place: { document, path } });
  };
}

/** From the top of the file to its end, because fields are checked in another order. */
function byPosition(a: Diagnostic, b: Diagnostic): number {
  const [first, second] = [positionOf(a), positionOf(b)];
  return (first?.line ?? 0) - (second?.line ?? 0) || (first?.column ?? 0) - (second?.column ?? 0);
}

function positionOf({ place }: Diagnostic): Position | undefined {
  return place?.document.source.locate([...place.document.path, ...place.path]);
}

/** Checks that every field of a KubeProxyConfiguration exists, has the right type, and has an effect. */
function checkConfigFields(config: Mapping, report: Report): void {
  checkLevel(config, kubeProxyFields, [], report);
}

function checkLevel(values: Mapping, fields: ConfigFields, path: Path, report: Report): void {
  for (const [key, value] of Object.entries(values)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    const place = [...path, key];
    if (!field) {
      report('unknown-config-field', place, describeUnknown(key, fields, path));
    } else if ('type' in field) {
      checkValue(value, field, place, report);
    } else if (isMapping(value)) {
      checkLevel(value, field.fields, place, report);
    } else if (value !== null) {
      report('invalid-config', place, `${describePath(place)} is ${describeValue(value)}; expected a mapping`);
    }
  }
}

/** A field of the same name on another level is more likely meant than one with a similar name. */
function describeUnknown(key: string, fields: ConfigFields, path: Path): string {
  const elsewhere = Object.entries(kubeProxyFields).find(
    ([, field]) => 'fields' in field && Object.hasOwn(field.fields, key),
  );
  const onTop = path.length > 0 && Object.hasOwn(kubeProxyFields, key) ? key : undefined;
  const nested = elsewhere && `${elsewhere[0]}.${key}`;
  const meant = onTop ?? suggestNested(key) ?? nested ?? suggestClosest(key, Object.keys(fields));
  const suggestion = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `unknown field ${describePath([...path, key])}, which is ignored${suggestion}`;
}

/** Both iptables and nftables have these fields; those of nftables are mostly meant. */
function suggestNested(key: string): string | undefined {
  return key === 'masqueradeAll' || key === 'masqueradeBit' ? `nftables.${key}` : undefined;
}

function checkValue(value: unknown, field: ValueField, path: Path, report: Report): void {
  if (value === null) {
    return;
  }
  if (field.type === 'feature gates' && isMapping(value)) {
    for (const [gate, enabled] of Object.entries(value)) {
      checkType(enabled, 'boolean', [...path, gate], report);
    }
    return;
  }
  const isTyped = checkType(value, field.type, path, report);
  const { unused } = field;
  if (isTyped && unused && !isQuiet(value, unused.quiet)) {
    const message = `${describePath(path)} is ${describeValue(value)}, which has no effect: ${unused.why}`;
    report('config-without-effect', path, message);
  }
}

function checkType(value: unknown, type: ValueType, path: Path, report: Report): boolean {
  const isTyped = hasType(value, type);
  if (!isTyped) {
    const unquoted = typeof value === 'string' && hasType(parseScalar(value), type) ? ', without quotes' : '';
    const message = `${describePath(path)} is ${describeValue(value)}; expected ${expectations[type]}${unquoted}`;
    report('invalid-config', path, message);
  }
  return isTyped;
}

/** The boolean or number that a text would be without quotes; any other text as it is, also one with leading zeros. */
function parseScalar(text: string): unknown {
  return /^(true|false|-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?)$/.test(text) ? JSON.parse(text) : text;
}

const expectations: Readonly<Record<ValueType, string>> = {
  text: 'a string',
  boolean: 'true or false',
  integer: 'an integer',
  number: 'a number',
  duration: 'a duration such as 30s',
  'duration or nanoseconds': 'a duration such as 30s',
  quantity: 'a quantity such as 64Ki',
  texts: 'a list of strings',
  list: 'a list',
  'feature gates': 'a mapping of names to true or false',
};

function hasType(value: unknown, type: ValueType): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'duration':
      return typeof value === 'string' && parseDuration(value) !== undefined;
    case 'duration or nanoseconds':
      return Number.isInteger(value) || hasType(value, 'duration');
    case 'quantity':
      return typeof value === 'number' || (typeof value === 'string' && /^[0-9.]+([A-Za-z]{1,2})?$/.test(value));
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'list':
      return Array.isArray(value);
    case 'feature gates':
      return isMapping(value);
  }
}

function isQuiet(value: unknown, quiet: readonly (string | number | boolean)[]): boolean {
  if (typeof value === 'object' && value !== null) {
    return Object.keys(value).length === 0;
  }
  const plain = comparable(value);
  return plain === '' || plain === false || quiet.some((allowed) => comparable(allowed) === plain);
}

/** Durations are compared as nanoseconds: 24h0m0s is 24h. */
function comparable(value: unknown): unknown {
  return typeof value === 'string' ? (parseDuration(value) ?? value) : value;
}
