/** `svc2nft/changes`: how two rulesets differ, in the words of Services, as data and as text. */

export type { FrontendState, Policy, Refusal, ServicePortIdentity } from '../frontends/frontend.ts';
export type * from '../inspect/changes/changes.ts';
export { describeChanges } from '../inspect/changes/describe-changes.ts';
export { type RenderChangesOptions, renderChanges } from '../inspect/changes/render-changes.ts';
export type * from '../nft/ruleset.ts';
