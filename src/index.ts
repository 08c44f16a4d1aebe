/**
 * svc2nft as a library, described in docs/library.md: `compile` turns Kubernetes objects into a node's nftables ruleset,
 * as data and as text; an engine turns changes of objects into changes of that ruleset; an applier makes the kernel hold
 * it.
 */

export type { Cidr } from './address.ts';
export type { ConntrackOutcome } from './apply/clean-conntrack.ts';
export { type Applier, type ApplierOptions, createApplier } from './apply/create-applier.ts';
export { formatNftError, type NftError, type NftErrorKind, type NftRemedy } from './apply/nft-error.ts';
export type * from './apply/outcome.ts';
export { type NftProbe, probeNft } from './apply/probe-nft.ts';
export { isNftError, readTable } from './apply/read-table.ts';
export { removeTable } from './apply/remove-table.ts';
export { createRunProgram, type ProgramResult, type RunProgram, type RunProgramOptions } from './apply/run-program.ts';
export type { Pause } from './apply/send.ts';
export type * from './apply/target.ts';
export { type CompileResult, compile } from './compile.ts';
export type { UdpFrontend } from './conntrack/expectations.ts';
export {
  type Diagnostic,
  type DiagnosticCode,
  diagnosticCodes,
  type ObjectReference,
  type Severity,
  severityOf,
} from './diagnostics.ts';
export type * from './diff/command.ts';
export { createEngine } from './engine/create-engine.ts';
export type { Aftermath } from './engine/describe-handovers.ts';
export type * from './engine/engine.ts';
export { formatDiagnostic } from './format-diagnostic.ts';
export type { TableName } from './listing/collect-objects.ts';
export type * from './listing/listing.ts';
export type * from './network.ts';
export { type CompileOptions, defaultOptions } from './options.ts';
export type { Document, InputText, Path, Position, Source } from './phases/1-read/document.ts';
export { documentsOf } from './phases/1-read/documents-of.ts';
export { type OnProgress, type ReadResult, readDocuments } from './phases/1-read/read-documents.ts';
export type * from './phases/3-model/model.ts';
export type * from './phases/5-plan/ruleset.ts';
export { describeChanges } from './report/describe-changes.ts';
export type * from './report/family-changes.ts';
export { type RenderOptions, renderChanges } from './report/render-changes.ts';
export { version } from './version.ts';
