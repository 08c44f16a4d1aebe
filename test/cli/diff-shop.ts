import { expect } from 'vitest';
import { type Answer, createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { type CommandWorld, runCommand } from './run-command.ts';
import { shop } from './shop.ts';

/** `svc2nft diff - --cluster-cidr 10.244.0.0/16 --family ip` with an nft that answers so, which must never load anything. */
export async function diff(
  { flags = [], input = shop(), ...world }: { flags?: readonly string[] } & Partial<CommandWorld>,
  ...answers: readonly Answer[]
): Promise<CommandResult & { readonly commands: readonly string[] }> {
  const nft = createFakeNft(...answers);
  const args = ['diff', '-', '--cluster-cidr', '10.244.0.0/16', '--family', 'ip', ...flags];
  const result = await runCommand(args, { input, run: nft.run, ...world });
  expect(nft.texts()).toEqual([]);
  return { ...result, commands: nft.calls.map(({ command }) => command) };
}
