/** `svc2nft/engine`: from changes of Kubernetes objects to the nft commands that change a node's ruleset. Starts no program. */

export { createEngine } from '../engine/create-engine.ts';
export type * from '../engine/engine.ts';
export type * from '../nft/command.ts';
export type * from '../nft/ruleset.ts';
