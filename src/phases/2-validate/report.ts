import type { Diagnostic, DiagnosticCode } from '../../diagnostics.ts';
import type { Document, Path } from '../1-read/document.ts';
import { referenceOf } from './reference-of.ts';

/** One thing that is wrong or odd in an object: the code, the path inside the object, and a message for its user. */
export interface Finding {
  readonly code: DiagnosticCode;
  readonly path: Path;
  readonly message: string;
}

/** Where checks leave their findings; called only for what is found, so that valid objects cost nothing. */
export type Report = (code: DiagnosticCode, path: Path, message: string) => void;

/** A finding about a document as a diagnostic, which says of what object it speaks. */
export function toDiagnostic({ code, path, message }: Finding, document: Document): Diagnostic {
  const object = referenceOf(document.value);
  return { code, message, ...(object && { object }), place: { document, path } };
}
