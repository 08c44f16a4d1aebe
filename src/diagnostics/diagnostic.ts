import { isMapping, type Path } from '../lib/unknown-values.ts';
import type { Document, Position } from './document.ts';

/**
 * An error refuses its object (without keepGoing, the whole input); a warning only reports, and so does a note, about what
 * is right in some clusters.
 */
export type Severity = 'error' | 'warning' | 'note';

/**
 * All diagnostic codes with their severity. Each has a row in docs/diagnostics.md and a fixture in fixtures/bad; a test
 * keeps the three in step.
 */
export const diagnosticCodes = {
  // reading
  'file-not-found': 'error',
  'file-unreadable': 'error',
  'not-text': 'error',
  'empty-input': 'error',
  'no-manifests': 'error',
  'invalid-json': 'error',
  'invalid-yaml': 'error',
  'not-an-object': 'error',
  'kubectl-output': 'error',
  unrendered: 'error',
  'watch-error': 'error',
  'foreign-files': 'warning',
  'unsupported-version': 'error',
  'api-error': 'warning',
  'incomplete-list': 'warning',
  'abridged-objects': 'warning',
  'misspelled-kind': 'warning',
  // one object
  'missing-field': 'error',
  'wrong-type': 'error',
  'unknown-value': 'error',
  'invalid-name': 'error',
  'invalid-port': 'error',
  'invalid-address': 'error',
  'special-address': 'error',
  'invalid-cidr': 'error',
  'wrong-family': 'error',
  'unnamed-port': 'error',
  'duplicate-port': 'error',
  'invalid-timeout': 'error',
  'unsupported-address-type': 'warning',
  'ignored-address': 'warning',
  'ignored-port': 'warning',
  'no-cluster-ip': 'warning',
  'risky-frontend': 'warning',
  'refused-by-api-server': 'warning',
  // several objects
  'duplicate-object': 'error',
  'frontend-conflict': 'warning',
  'node-port-conflict': 'warning',
  'unusual-node-port': 'note',
  'no-services': 'warning',
  'no-endpoint-slices': 'warning',
  'namespace-without-slices': 'warning',
  'slice-without-service': 'warning',
  'slice-port-without-name': 'warning',
  'ranges-do-not-apply': 'warning',
  // manifests, when they are resolved
  'selector-matches-nothing': 'warning',
  'unknown-target-port': 'warning',
  'undeclared-target-port': 'note',
  // the node and the configuration
  'node-not-found': 'error',
  'no-node': 'warning',
  'several-nodes': 'warning',
  'no-node-address': 'warning',
  'unknown-zone': 'warning',
  'node-ports-on-all-addresses': 'warning',
  'no-local-detector': 'warning',
  'pods-outside-cluster-cidr': 'warning',
  'unknown-config-field': 'warning',
  'invalid-config': 'error',
  'config-without-effect': 'warning',
  'invalid-option': 'error',
} as const;

/**
 * Warnings that `strict` turns into errors: something in the files or objects of the input is ignored, or cannot be meant
 * so. Not those that follow from settings, and not what only a cluster can add, such as cluster IPs.
 */
export const strictCodes: ReadonlySet<DiagnosticCode> = new Set([
  'foreign-files',
  'api-error',
  'incomplete-list',
  'abridged-objects',
  'misspelled-kind',
  'unsupported-address-type',
  'ignored-address',
  'ignored-port',
  'refused-by-api-server',
  'frontend-conflict',
  'node-port-conflict',
  'slice-without-service',
  'slice-port-without-name',
  'ranges-do-not-apply',
  'selector-matches-nothing',
  'unknown-target-port',
  'unknown-config-field',
]);

/** Diagnostics as `strict` has them. */
export function withStrictSeverity(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return withoutLeniency(diagnostics).map((diagnostic) =>
    strictCodes.has(diagnostic.code) ? { ...diagnostic, severity: 'error' } : diagnostic,
  );
}

/** Diagnostics with at least the severities of their codes. */
export function withoutLeniency(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.map((diagnostic) =>
    diagnosticCodes[diagnostic.code] === 'error' ? { ...diagnostic, severity: 'error' } : diagnostic,
  );
}

/** One of the codes above. */
export type DiagnosticCode = keyof typeof diagnosticCodes;

/** Kind, namespace and name of the Kubernetes object that a diagnostic is about. */
export interface ObjectReference {
  readonly kind: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** A message to the user about the input, with the object and place it is about, if any. */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly message: string;
  /** Where it differs from that of the code: an error for who asked, a warning for others. */
  readonly severity?: Severity;
  readonly object?: ObjectReference;
  /** The document and the path inside the *object* (not the file) that the message is about. */
  readonly place?: { readonly document: Document; readonly path: Path };
}

/** The severity of a diagnostic: its own, or that of its code. */
export function severityOf({ severity, code }: Diagnostic): Severity {
  return severity ?? diagnosticCodes[code];
}

/** Whether any of them is an error. */
export function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => severityOf(diagnostic) === 'error');
}

/** The first of those that say the same: what concerns both families is found in each. */
export function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const first = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const key = JSON.stringify([diagnostic.message, diagnostic.object]);
    if (!first.has(key)) {
      first.set(key, diagnostic);
    }
  }
  return [...first.values()];
}

/** A diagnostic about a file rather than an object, at a position of its text; without one, about the file as a whole. */
export function diagnosticInFile(code: DiagnosticCode, message: string, file: string, position?: Position): Diagnostic {
  const source = { file, locate: () => position };
  return { code, message, place: { document: { value: undefined, source, path: [] }, path: [] } };
}

/** Something wrong or unusual in an object; the path is inside the object. */
export interface Problem {
  readonly code: DiagnosticCode;
  readonly path: Path;
  readonly message: string;
}

/** Receives the problems that checks find. It is only called for problems, so valid objects cost nothing. */
export type Report = (code: DiagnosticCode, path: Path, message: string) => void;

/** A problem in a document as a diagnostic, with the object it is about. */
export function toDiagnostic({ code, path, message }: Problem, document: Document): Diagnostic {
  const object = referenceOf(document.value);
  return { code, message, ...(object && { object }), place: { document, path } };
}

/** The kind, namespace and name that a value has, valid or not; undefined without a kind. */
export function referenceOf(value: unknown): ObjectReference | undefined {
  if (!isMapping(value) || typeof value['kind'] !== 'string') {
    return undefined;
  }
  const { kind } = value;
  const metadata = isMapping(value['metadata']) ? value['metadata'] : {};
  const { name, namespace } = metadata;
  const isNamespaced = kind === 'Service' || kind === 'EndpointSlice';
  return {
    kind,
    ...(isNamespaced && typeof name === 'string'
      ? { namespace: typeof namespace === 'string' ? namespace : 'default' }
      : {}),
    ...(typeof name === 'string' ? { name } : {}),
  };
}
