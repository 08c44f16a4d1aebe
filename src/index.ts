/**
 * svc2nft as a library, described in docs/library.md: `compile` turns Kubernetes objects into a node's nftables ruleset,
 * as data and as text; an engine turns changes of objects into changes of that ruleset; a service proxy keeps the kernel in
 * sync with them.
 */

export type { ConntrackOutcome } from './apply/clean-conntrack.ts';
export { createServiceProxy, type ServiceProxy, type ServiceProxyOptions } from './apply/create-service-proxy.ts';
export type * from './apply/outcome.ts';
export { readActualTable as readTable } from './apply/read-actual-table.ts';
export { type Lock, type LockError, type LockRequest, withLock } from './apply/with-lock.ts';
export {
  type ApiResponse,
  type ClusterConnection,
  type ConnectOptions,
  type Credentials,
  connectToCluster,
  type PodConnectOptions,
  podConnectOptions,
} from './cluster/cluster-connection.ts';
export { type ClusterFollower, type FollowClusterOptions, followCluster } from './cluster/follow-cluster.ts';
export type { ResourceState } from './cluster/follow-resource.ts';
export { kubeconfigConnectOptions } from './cluster/kubeconfig.ts';
export { type CompileResult, compile } from './compile.ts';
export type { UdpFrontend } from './conntrack/expect-udp.ts';
export {
  type Diagnostic,
  type DiagnosticCode,
  diagnosticCodes,
  type ObjectReference,
  type Severity,
  severityOf,
} from './diagnostics/diagnostic.ts';
export type { Document, InputText, Position, Source } from './diagnostics/document.ts';
export { formatDiagnostic } from './diagnostics/format-diagnostic.ts';
export type { Finding } from './diff/describe-findings.ts';
export { planTable, type TablePlan } from './diff/plan-table.ts';
export { createEngine } from './engine/create-engine.ts';
export type * from './engine/engine.ts';
export type { FollowUp } from './engine/follow-up.ts';
export type { HealthCheck } from './engine/health-checks.ts';
export type { EndpointTrigger } from './engine/object-store.ts';
export type { FamilyStatistics, Statistics } from './engine/statistics.ts';
export type { FrontendState, Policy, Refusal, ServicePortIdentity } from './frontends/frontend.ts';
export type * from './inspect/changes/changes.ts';
export { describeChanges } from './inspect/changes/describe-changes.ts';
export { type RenderChangesOptions, renderChanges } from './inspect/changes/render-changes.ts';
export { formatNftError, isNftError, type NftError, type NftErrorKind, type NftRemedy } from './kernel/nft-error.ts';
export { createNftSession, type NftSession, type NftSessionOptions, type TableOwner } from './kernel/nft-session.ts';
export { type NftProbe, probeNft } from './kernel/probe-nft.ts';
export { type Pause, removeTable } from './kernel/run-nft.ts';
export {
  createRunProgram,
  type ProgramResult,
  type RunningProgram,
  type RunOptions,
  type RunProgram,
  type RunProgramOptions,
} from './kernel/run-program.ts';
export type { Path } from './lib/unknown-values.ts';
export type { Cidr } from './net/address.ts';
export type * from './net/network.ts';
export type * from './nft/command.ts';
export type { Deviation, DynamicElement, ListedTable, TableFlag, TableName } from './nft/listed-table.ts';
export type * from './nft/ruleset.ts';
export { type CompileOptions, defaultOptions } from './options.ts';
export { documentsOf, type OnProgress, type ReadResult, readDocuments } from './phases/1-read/read-documents.ts';
export type * from './phases/3-model/model.ts';
export { version } from './version.ts';
