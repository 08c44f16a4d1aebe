import { isMapping, type Path } from '../lib/unknown-values.ts';
import type { Document, Position } from './document.ts';

/** How bad: an error refuses the object (and, without keepGoing, the whole input), a warning is told and work goes on. */
export type Severity = 'error' | 'warning';

/**
 * The closed list of diagnostic codes with their severity. Each has a row in docs/diagnostics.md and a fixture below
 * fixtures/bad/; a test holds the three together.
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
  'unsupported-version': 'error',
  // one object
  'missing-field': 'error',
  'wrong-type': 'error',
  'unknown-value': 'error',
  'invalid-name': 'error',
  'invalid-port': 'error',
  'invalid-address': 'error',
  'invalid-cidr': 'error',
  'wrong-family': 'error',
  'unsupported-address-type': 'error',
  'unnamed-port': 'error',
  'duplicate-port': 'error',
  'invalid-timeout': 'error',
  'ignored-address': 'warning',
  'no-cluster-ip': 'warning',
  // several objects
  'duplicate-object': 'error',
  'frontend-conflict': 'warning',
  'node-port-conflict': 'warning',
  'slice-without-service': 'warning',
  'slice-port-without-name': 'warning',
  'ranges-do-not-apply': 'warning',
  // the node and the configuration
  'node-not-found': 'error',
  'no-node': 'warning',
  'several-nodes': 'warning',
  'no-node-address': 'warning',
  'node-ports-on-all-addresses': 'warning',
  'no-local-detector': 'warning',
  'unknown-config-field': 'error',
  'invalid-config': 'error',
  'config-without-effect': 'warning',
  'invalid-option': 'error',
} as const;

/** One of the codes above. */
export type DiagnosticCode = keyof typeof diagnosticCodes;

/** Kind, namespace and name of the Kubernetes object that a diagnostic is about. */
export interface ObjectReference {
  readonly kind: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** Something to tell the user about the input, with the place it stands at where there is one. */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly object?: ObjectReference;
  /** The document and the path inside the *object* (not the file) that the message is about. */
  readonly place?: { readonly document: Document; readonly path: Path };
}

/** The severity that a diagnostic's code stands for. */
export function severityOf(diagnostic: Diagnostic): Severity {
  return diagnosticCodes[diagnostic.code];
}

/** Whether any of them is an error. */
export function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => severityOf(diagnostic) === 'error');
}

/** The very first place of a file, for what concerns the whole of it. */
const startOfFile: Position = { line: 1, column: 1, lineText: '' };

/** A diagnostic about a file rather than an object: nothing could be read from it, or not at `position`. */
export function diagnosticInFile(
  code: DiagnosticCode,
  message: string,
  file: string,
  position: Position = startOfFile,
): Diagnostic {
  const source = { file, locate: () => position };
  return { code, message, place: { document: { value: undefined, source, path: [] }, path: [] } };
}

/** One thing that is wrong or odd in an object: the code, the path inside the object, and a message for its user. */
export interface Problem {
  readonly code: DiagnosticCode;
  readonly path: Path;
  readonly message: string;
}

/** Where checks leave their problems; called only for what is found, so that valid objects cost nothing. */
export type Report = (code: DiagnosticCode, path: Path, message: string) => void;

/** A problem about a document as a diagnostic, which says of what object it speaks. */
export function toDiagnostic({ code, path, message }: Problem, document: Document): Diagnostic {
  const object = referenceOf(document.value);
  return { code, message, ...(object && { object }), place: { document, path } };
}

/** Kind, namespace and name as far as a value has them, for diagnostics about objects that need not be valid. */
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
