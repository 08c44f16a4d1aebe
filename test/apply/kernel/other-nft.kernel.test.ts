import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Agent, startAgent } from '../../support/lab/start-agent.ts';
import { type NftVersion, nftPairs, nftVersions } from '../../support/nft-versions.ts';
import type { CommandResult } from '../../support/run-main.ts';
import { applyTestsRun } from './apply-tests.ts';
import { snapshotFlags } from './manifests.ts';
import { nodeInside, type TestNode } from './open-node.ts';
import { richSnapshot } from './rich-snapshot.ts';
import { type Step, steps } from './steps.ts';

type Snapshot = Pick<Step, 'name' | 'objects' | 'flags'>;

const rich: Snapshot = { name: 'something in every set and chain', objects: richSnapshot, flags: [] };

/** A node for each nft, all in one network namespace, whose ruleset is empty before each test. */
function nodesWith<Names extends string>(nfts: Readonly<Record<Names, NftVersion>>): Record<Names, TestNode> {
  const nodes: Partial<Record<Names, TestNode>> = {};
  let agent: Agent;

  beforeAll(async () => {
    agent = await startAgent();
    for (const name of Object.keys(nfts) as Names[]) {
      nodes[name] = await nodeInside(agent, nfts[name]);
    }
  });

  beforeEach(async () => {
    await agent.request({ do: 'nft', commands: [{ text: 'flush ruleset' }] });
  });

  afterAll(async () => {
    await Promise.all(Object.values<TestNode>(nodes as Record<Names, TestNode>).map((node) => node.close()));
    await agent.close();
  });
  return nodes as Record<Names, TestNode>;
}

const pairs = nftPairs.map((pair) => [pair.writer.version, pair.reader.version, pair] as const);

/** A container or its host gets another nft, and svc2nft goes on with the tables that are there. */
describe.skipIf(!applyTestsRun).each(pairs.filter(([, , { isReadable }]) => isReadable))(
  'tables that nft %s wrote, with nft %s',
  (_writer, _reader, pair) => {
    const nodes = nodesWith({ writer: pair.writer, reader: pair.reader });

    test('are read, verified and changed', async () => {
      for (const [index, written] of [rich, ...steps].entries()) {
        const next = steps[index] ?? rich;
        const { writer, reader } = nodes;
        await reader.nft('flush ruleset');
        expect(await writer.apply(written.objects, written.flags), written.name).toMatchObject({ exitCode: 0 });
        // Without that, diff shows what the reader's nft makes better.
        const sameTarget = ['--target-nft', await targetOf(writer)];
        expect(await verify(reader, written), written.name).toMatchObject({ exitCode: 0 });
        expect(await diff(reader, written, sameTarget), written.name).toMatchObject({ exitCode: 0, stdout: '' });
        expect(await reader.apply(next.objects, next.flags), next.name).toMatchObject({ exitCode: 0 });
        expect(await verify(reader, next), next.name).toMatchObject({ exitCode: 0 });
        expect(await diff(reader, next), next.name).toMatchObject({ exitCode: 0, stdout: '' });
      }
    });
  },
);

describe.skipIf(!applyTestsRun).each(pairs.filter(([, , { isReadable }]) => !isReadable))(
  'tables that nft %s wrote, with nft %s, which cannot read them',
  (_writer, _reader, pair) => {
    const nodes = nodesWith({ writer: pair.writer, reader: pair.reader });

    test.each<[string, (reader: TestNode) => Promise<CommandResult>]>([
      ['apply', (reader) => reader.apply(richSnapshot, ['--allow-empty'])],
      ['apply --dry-run', (reader) => reader.apply(richSnapshot, ['--dry-run', '--allow-empty'])],
      ['diff', (reader) => diff(reader, rich)],
      ['verify', (reader) => verify(reader, rich)],
      ['list', (reader) => reader.svc2nft(['list', '--ruleset', 'kernel'])],
      ['clean', (reader) => reader.svc2nft(['clean'])],
    ])('%s says so and changes nothing', async (_, command) => {
      const { writer, reader } = nodes;
      await writer.apply(richSnapshot);
      const before = await writer.print('list', 'ruleset');
      const { exitCode, stdout, stderr } = await command(reader);
      expect(stderr).toContain(
        'nft: unreadable\n    nft cannot read the tables here; a newer nft may have written them\n',
      );
      expect(exitCode).toBe(3);
      expect(stdout).not.toMatch(/rebuilt|changed or not|removed/);
      expect(await writer.print('list', 'ruleset')).toBe(before);
      expect(await verify(writer, rich)).toMatchObject({ exitCode: 0 });
    });
  },
);

describe.skipIf(!applyTestsRun).each(nftVersions.map((nft) => [nft.version, nft] as const))('nft %s', (_, nft) => {
  const nodes = nodesWith({ node: nft });

  test.each([rich, ...steps])('--target-nft 1.0.6 is kept, whatever this nft can do: $name', async (snapshot) => {
    const { node } = nodes;
    const target = ['--target-nft', '1.0.6'];
    expect(await node.apply(snapshot.objects, [...snapshot.flags, ...target])).toMatchObject({ exitCode: 0 });
    expect(await diff(node, snapshot, target)).toMatchObject({ exitCode: 0, stdout: '' });
    const { stdout } = await diff(node, snapshot, ['-o', 'nft']);
    const isBetter = (await targetOf(node)) !== '1.0.6' && (await hasChainsPerEndpoint(node));
    expect(stdout !== '').toBe(isBetter);
  });
});

async function targetOf(node: TestNode): Promise<string> {
  const { stdout } = await node.svc2nft(['version', '-o', 'json']);
  return (JSON.parse(stdout) as { nft: { targetNft: string } }).nft.targetNft;
}

/** Only Services with affinity over IPv6 have chains of their own. */
async function hasChainsPerEndpoint(node: TestNode): Promise<boolean> {
  return (await node.print('list', 'table', 'ip6', 'svc2nft')).includes('chain endpoint/');
}

function verify(node: TestNode, { objects, flags }: Snapshot): Promise<CommandResult> {
  return node.svc2nft(['verify', '--ruleset', 'kernel', '-', ...snapshotFlags, ...flags], objects);
}

function diff(node: TestNode, { objects, flags }: Snapshot, more: readonly string[] = []): Promise<CommandResult> {
  return node.svc2nft(['diff', '-', ...snapshotFlags, ...flags, ...more], objects);
}
