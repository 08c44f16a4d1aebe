import { expect, test } from 'vitest';
import { probeNft } from '../../src/kernel/probe-nft.ts';
import { createRunProgram } from '../../src/kernel/run-program.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';

test.skipIf(!kernelTestsRun)('the nft of this machine can be used', async () => {
  await expect(probeNft(createRunProgram())).resolves.toMatchObject({
    version: expect.stringMatching(/^1\.\d+\.\d+$/),
  });
});
