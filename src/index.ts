/**
 * svc2nft as a library: `compile` turns Kubernetes objects into a node's nftables ruleset, as data and as text.
 */
export { type CompileResult, compile } from './compile.ts';
export { type Diagnostic, type DiagnosticCode, diagnosticCodes, type Severity, severityOf } from './diagnostics.ts';
export { formatDiagnostic } from './format-diagnostic.ts';
export type * from './network.ts';
export { type CompileOptions, defaultOptions } from './options.ts';
export type { Document, InputText, Path, Position, Source } from './phases/1-read/document.ts';
export { documentsOf } from './phases/1-read/documents-of.ts';
export { type ReadResult, readDocuments } from './phases/1-read/read-documents.ts';
export type * from './phases/5-plan/ruleset.ts';
export { version } from './version.ts';
