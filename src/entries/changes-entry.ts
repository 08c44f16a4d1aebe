/** `svc2nft/changes`: how two rulesets differ, in the words of Services. */

export type * from '../inspect/changes/changes.ts';
export { describeChanges } from '../inspect/changes/describe-changes.ts';
export { type RenderChangesOptions, renderChanges } from '../inspect/changes/render-changes.ts';
