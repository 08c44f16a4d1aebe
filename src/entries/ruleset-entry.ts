/** `svc2nft/ruleset`: from Kubernetes objects to a node's nftables ruleset, as data and as text. Pure, and reads no files. */

export { type CompileResult, compile } from '../compile.ts';
export {
  type Diagnostic,
  type DiagnosticCode,
  diagnosticCodes,
  type ObjectReference,
  type Severity,
  severityOf,
} from '../diagnostics/diagnostic.ts';
export type { Document, InputText, Position, Source } from '../diagnostics/document.ts';
export { formatDiagnostic } from '../diagnostics/format-diagnostic.ts';
export type { Path } from '../lib/unknown-values.ts';
export type * from '../net/network.ts';
export type * from '../nft/ruleset.ts';
export { type CompileOptions, defaultOptions } from '../options.ts';
export { documentsOf, type OnProgress, type ReadResult, readDocuments } from '../phases/1-read/read-documents.ts';
