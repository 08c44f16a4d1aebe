import { describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { filesOf, kubeProxyTables } from '../support/kube-proxy-table.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';

/** nft's JSON, which the commands read from the kernel, says the same as its text. */
describe.skipIf(!kernelTestsRun).each(kubeProxyTables)('%s in the kernel', (name) => {
  const { snapshot, config, rules } = filesOf(name);
  const options = `${snapshot} --node worker-1 --config ${config}`;

  test('list, verify and diff find the table of kube-proxy', async () => {
    const of = (source: string): Promise<string[]> =>
      runInNamespace(`
        nft -f ${rules}
        svc2nft list --ruleset ${source} -o json
        svc2nft verify ${options} --ruleset ${source}
        svc2nft diff ${options} --from-rules ${source}
      `);
    const lines = await of('kernel');
    expect(lines).toEqual(await of(rules));
    expect(lines.filter((line) => line.startsWith('note: these are the rules of kube-proxy'))).toHaveLength(3);
    expect(lines.filter((line) => /^table ip6? kube-proxy: .*: correct$/.test(line))).not.toEqual([]);
  });
});
