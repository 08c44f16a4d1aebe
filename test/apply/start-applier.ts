import { type Applier, createApplier } from '../../src/apply/apply-update.ts';
import type { Outcome } from '../../src/apply/outcome.ts';
import type { Target } from '../../src/apply/target.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { CompileOptions } from '../../src/options.ts';
import { workerOptions } from '../engine/worker.ts';
import { type Answer, createFakeNft, type FakeNft } from '../support/fake-nft.ts';

/** An applier with an nft and a clock that only remember. */
export interface FakeApplier {
  readonly applier: Applier;
  readonly nft: FakeNft;
  /** How long it has waited, each time, in milliseconds. */
  readonly pauses: readonly number[];
}

/** An applier for a target, whose nft and conntrack answer so. */
export function startApplier(target: Target, ...answers: readonly Answer[]): FakeApplier {
  const nft = createFakeNft(...answers);
  const pauses: number[] = [];
  const pause = async (milliseconds: number): Promise<void> => {
    pauses.push(milliseconds);
  };
  return { applier: createApplier(target, { run: nft.run, pause }), nft, pauses };
}

/** The same behind the engine that it applies. */
export interface RunningApplier extends FakeApplier {
  readonly engine: Engine;
}

/** An applier that has told its kernel of some objects of worker-1 already, and is asked about what comes then. */
export async function runApplier(
  objects: readonly unknown[],
  options: Partial<CompileOptions> = {},
): Promise<RunningApplier> {
  const engine = createEngine({ ...workerOptions, ...options });
  const started = startApplier(engine);
  await started.applier.apply(engine.update({ apply: objects }));
  started.nft.commandsSince();
  return { ...started, engine };
}

/** What became of each family: `ip changed`, and the kind of error where there was one, `ip failed busy`. */
export function resultsOf({ families }: Outcome): string[] {
  return families.map(({ family, result, error }) => `${family} ${result}${error ? ` ${error.kind}` : ''}`);
}
