import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readActualTable } from '../../../src/apply/read-actual-table.ts';
import { createRunProgram, type RunProgram } from '../../../src/kernel/run-program.ts';
import type { Family } from '../../../src/net/network.ts';
import type { ListedTable } from '../../../src/nft/listed-table.ts';
import { type Agent, startAgent } from '../../support/lab/start-agent.ts';
import { type NftVersion, usualNft } from '../../support/nft-versions.ts';
import { type CommandResult, runMain } from '../../support/run-main.ts';
import { withoutProgress } from '../../support/without-progress.ts';
import { listOf, snapshotFlags } from './manifests.ts';

/** A network namespace in which the product works as it does on a node. */
export interface TestNode {
  /** Where the namespace is found, for `nsenter --net=`. */
  readonly namespace: string;
  /** For files; removed at the end. */
  readonly folder: string;
  /** Runs nft, conntrack and iptables-save inside. */
  readonly run: RunProgram;
  /** Runs `svc2nft` in this process, with these programs inside; stderr comes without lines that tell of progress. */
  svc2nft(args: readonly string[], objects?: readonly unknown[]): Promise<CommandResult>;
  /** `svc2nft apply` of the objects, for the node and with the settings of manifests.ts. */
  apply(objects: readonly unknown[], flags?: readonly string[]): Promise<CommandResult>;
  /** Runs nft on a text; throws with nft's words when it refuses. */
  nft(text: string): Promise<void>;
  /** What nft prints for a command; throws when it refuses. */
  print(...args: readonly string[]): Promise<string>;
  /** The table as the product reads it; undefined when there is none. Throws when it cannot be read. */
  listing(family: Family): Promise<ListedTable | undefined>;
  /** Removes what was created for it; a namespace that existed before stays. */
  close(): Promise<void>;
}

/** Makes a namespace for one node, in which only the loopback interface exists. */
export async function openNode(): Promise<TestNode> {
  const agent = await startAgent();
  const node = await nodeInside(agent);
  return {
    ...node,
    close: async () => {
      await node.close();
      await agent.close();
    },
  };
}

/** What looks at the rules and connections of the namespace that it is started in. */
const programsInside = [
  'nft',
  'conntrack',
  ...['', '-legacy'].flatMap((kind) => [`iptables${kind}-save`, `ip6tables${kind}-save`]),
];

/** The node whose namespace an agent of the laboratory has; several may have one, with an nft each. */
export async function nodeInside(
  { processId }: Pick<Agent, 'processId'>,
  nft: NftVersion = usualNft,
): Promise<TestNode> {
  const folder = await mkdtemp(join(tmpdir(), 'svc2nft-node-'));
  const namespace = `/proc/${processId}/ns/net`;
  const programs = [nft.programs ?? [], process.env['PATH'], '/usr/sbin:/sbin'].flat().join(':');
  for (const program of programsInside) {
    const script = join(folder, program);
    await writeFile(script, `#!/bin/sh\nPATH='${programs}' exec nsenter --net=${namespace} ${program} "$@"\n`);
    await chmod(script, 0o755);
  }
  const env = { PATH: `${folder}:${programs}` };
  const run = createRunProgram({ env });
  const svc2nft: TestNode['svc2nft'] = async (args, objects) => {
    const input = objects && JSON.stringify(listOf(objects));
    const result = await runMain(args, { env, run, ...(input !== undefined && { input }) });
    return { ...result, stderr: withoutProgress(result.stderr) };
  };
  return {
    namespace,
    folder,
    run,
    svc2nft,
    apply: (objects, flags = []) => svc2nft(['apply', ...snapshotFlags, ...flags], objects),
    nft: async (text) => {
      await succeed(run, ['-f', '-'], text);
    },
    print: (...args) => succeed(run, args),
    listing: async (family) => {
      const listing = await readActualTable(run, { family, table: 'svc2nft' });
      if (listing && 'kind' in listing) {
        throw new Error(listing.said.join('\n'));
      }
      return listing;
    },
    close: () => rm(folder, { recursive: true }),
  };
}

async function succeed(run: RunProgram, args: readonly string[], input?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run('nft', args, input);
  if (exitCode !== 0) {
    throw new Error(`nft ${args.join(' ')}: ${stderr}`);
  }
  return stdout;
}
