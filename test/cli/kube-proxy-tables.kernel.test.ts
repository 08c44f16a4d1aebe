import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { filesOf, kubeProxyTables } from '../support/kube-proxy-table.ts';

/** nft's JSON, which the commands read from the kernel, says the same as its text. */
describe.skipIf(!kernelTestsRun)('in the kernel', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await openNode();
  });

  afterAll(() => node.close());

  test.each(kubeProxyTables)('list, verify and diff find the table of kube-proxy: %s', async (name) => {
    const { snapshot, config, rules } = filesOf(name);
    const options = [snapshot, '--node', 'worker-1', '--config', config];
    await node.nft(`flush ruleset\n${readFileSync(rules, 'utf8')}`);
    const of = async (source: string) => [
      await node.svc2nft(['list', '--ruleset', source, '-o', 'json']),
      await node.svc2nft(['verify', ...options, '--ruleset', source]),
      await node.svc2nft(['diff', ...options, '--from-rules', source]),
    ];
    const results = await of('kernel');
    expect(results).toEqual(await of(rules));
    expect(results.map(({ stderr }) => stderr)).toEqual(
      results.map(() => expect.stringMatching(/^note: these are the rules of kube-proxy/m)),
    );
    expect(results[1]?.stdout).toMatch(/^table ip6? kube-proxy: .*: correct$/m);
  });
});
