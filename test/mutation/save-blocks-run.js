import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, inject } from 'vitest';

/* Set up before each test file while blocks are recorded: writes which of them the file ran. */

const { size, folder } = inject('blocks');
globalThis.blocksRun = new Uint8Array(size);

afterAll(() => {
  const { testPath } = expect.getState();
  const name = createHash('sha256').update(testPath).digest('hex');
  writeFileSync(join(folder, name), globalThis.blocksRun);
});
