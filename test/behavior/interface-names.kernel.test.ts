import { expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { printByNft } from '../support/run-nft.ts';

/** Everything that may stand in an interface's name, and the longest ones; nft must take each, as name and as prefix. */
const names = ['veth+', 'br@1', 'a_b.c-d', 'eth0', 'abcdefghijklmn', 'abcdefghijklmno'];

test.skipIf(!kernelTestsRun).each(names)('nft accepts the interface %s', async (detectLocalInterface) => {
  for (const detectLocalMode of ['BridgeInterface', 'InterfaceNamePrefix'] as const) {
    const { text, diagnostics } = compile([], { nodeName: 'a', detectLocalMode, detectLocalInterface });
    expect(text, JSON.stringify(diagnostics)).toContain(`iifname != "${detectLocalInterface}`);
    await expect(printByNft([{ text: text ?? '' }])).resolves.toEqual(['']);
  }
});
