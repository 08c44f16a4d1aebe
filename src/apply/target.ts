import type { Engine } from '../engine/engine.ts';

/** Whoever knows what the kernel should hold: an engine, or a compiled snapshot, to which nothing changes any more. */
export type Target = Omit<Engine, 'update'>;
