import { createServiceProxy, type ServiceProxy } from '../../src/apply/create-service-proxy.ts';
import type { Outcome } from '../../src/apply/outcome.ts';
import type { CompileOptions } from '../../src/options.ts';
import { workerOptions } from '../engine/worker.ts';
import { type Answer, createFakeNft, type FakeNft } from '../support/fake-nft.ts';

/** A service proxy with an nft and a clock that only remember. */
export interface FakeProxy {
  readonly proxy: ServiceProxy;
  readonly nft: FakeNft;
  /** How long it has waited, each time, in milliseconds. */
  readonly pauses: readonly number[];
}

/** A service proxy whose nft and conntrack give these answers. */
export async function startProxy(options: Partial<CompileOptions>, ...answers: readonly Answer[]): Promise<FakeProxy> {
  const nft = createFakeNft(...answers);
  const pauses: number[] = [];
  const pause = async (milliseconds: number): Promise<void> => {
    pauses.push(milliseconds);
  };
  const proxy = await createServiceProxy({ targetNft: '1.0.6', ...options, run: nft.run, pause });
  return { proxy, nft, pauses };
}

/** A service proxy of worker-1 whose kernel holds some objects already. */
export async function runProxy(objects: readonly unknown[], options: Partial<CompileOptions> = {}): Promise<FakeProxy> {
  const started = await startProxy({ ...workerOptions, ...options });
  await started.proxy.update({ apply: objects, complete: true });
  started.nft.commandsSince();
  return started;
}

/** What became of each family: `ip changed`, and the kind of error where there was one, `ip failed busy`. */
export function resultsOf({ families }: Outcome): string[] {
  return families.map(({ family, result, error }) => `${family} ${result}${error ? ` ${error.kind}` : ''}`);
}
