import { type Answer, createFakeNft } from '../support/fake-nft.ts';
import { type CommandWorld, runCommand } from './run-command.ts';
import { shop } from './shop.ts';

/** What a command did, and which texts nft was to load. */
export interface Applied {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly texts: readonly string[];
  readonly commands: readonly string[];
}

/** `svc2nft apply - --cluster-cidr 10.244.0.0/16` with an nft that answers so. */
export async function apply(
  { flags = [], input = shop(), ...world }: { flags?: readonly string[] } & Partial<CommandWorld>,
  ...answers: readonly Answer[]
): Promise<Applied> {
  const nft = createFakeNft(...answers);
  const args = ['apply', '-', '--cluster-cidr', '10.244.0.0/16', ...flags];
  const result = await runCommand(args, { input, run: nft.run, ...world });
  return { ...result, texts: nft.texts(), commands: nft.calls.map(({ command }) => command) };
}
