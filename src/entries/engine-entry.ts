/** `svc2nft/engine`: from changes of Kubernetes objects to the nft commands that change a node's ruleset. Starts no program. */

export type { UdpFrontend } from '../conntrack/expect-udp.ts';
export type { Diagnostic, DiagnosticCode, ObjectReference, Severity } from '../diagnostics/diagnostic.ts';
export { createEngine } from '../engine/create-engine.ts';
export type * from '../engine/engine.ts';
export type { FollowUp } from '../engine/follow-up.ts';
export type { HealthCheck } from '../engine/health-checks.ts';
export type { EndpointTrigger } from '../engine/object-store.ts';
export type { FamilyStatistics, Statistics } from '../engine/statistics.ts';
export type * from '../nft/command.ts';
export type { Deviation, DynamicElement, ListedTable, TableFlag, TableName } from '../nft/listed-table.ts';
export type * from '../nft/ruleset.ts';
export { type CompileOptions, defaultOptions } from '../options.ts';
export type { NodeSettings, NodeView } from '../phases/3-model/model.ts';
