import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyTestsRun } from './apply-tests.ts';
import { http, service, slice, snapshotFlags, workerNode } from './manifests.ts';
import { openNode, type TestNode } from './open-node.ts';
import { startApply } from './start-apply.ts';

/** One Service with 6,000 endpoints: some 270 kB of nft text, more than a pipe or an endpoint address holds. */
const crowd = [
  workerNode,
  service('crowd', { clusterIP: '10.96.0.10', ports: [http] }),
  slice(
    'crowd',
    Array.from({ length: 6_000 }, (_, index) => `10.244.${100 + (index >> 8)}.${index & 255}`),
  ),
];

/** An nft that reads what to load only when the program that started it has ended. */
const lateNft = `#!/bin/sh
folder=\${0%/*} parent=$PPID
PATH=\${PATH#*:}
case "$*" in
*-f*)
  touch "$folder/started"
  while kill -0 $parent 2> /dev/null; do sleep 0.02; done
  cat > "$folder/given"
  exec nft "$@" < "$folder/given"
  ;;
esac
exec nft "$@"
`;

describe.skipIf(!applyTestsRun)('svc2nft is killed before nft has read its input', () => {
  let node: TestNode;
  let folder: string;

  beforeAll(async () => {
    node = await openNode();
    folder = join(node.folder, 'late');
    await mkdir(folder);
    await writeFile(join(folder, 'nft'), lateNft);
    await chmod(join(folder, 'nft'), 0o755);
  });

  afterAll(async () => {
    await node.close();
  });

  test('nft gets all of a transaction or nothing: half of one may be one that it carries out', async () => {
    const { stdout } = await node.svc2nft(['diff', '-o', 'nft', '--family', 'ip', ...snapshotFlags], crowd);
    expect(stdout.length).toBeGreaterThan(250_000);
    const apply = await startApply(node, crowd, folder);
    while (!(await stat(join(folder, 'started')).catch(() => undefined))) {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
    apply.kill();
    await apply.allEnded();
    const given = await readFile(join(folder, 'given'), 'utf8');
    expect([0, stdout.length], 'bytes that nft was given').toContain(given.length);
  });
});
