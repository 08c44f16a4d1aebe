/**
 * svc2nft as a library: `compile` turns Kubernetes objects into a node's nftables ruleset, as data and as text.
 */
export { type CompileResult, compile } from './compile.ts';
export { type Diagnostic, type DiagnosticCode, diagnosticCodes, type Severity, severityOf } from './diagnostics.ts';
export { type CompileOptions, defaultOptions } from './options.ts';
export type { Document, Path, Position, Source } from './phases/1-read/document.ts';
export type * from './phases/5-plan/ruleset.ts';
export { version } from './version.ts';
