import { execa } from 'execa';
import { expect, test } from 'vitest';

test('the executable passes exit code and output on, and is content with a reader that leaves', async () => {
  const run = await execa('node', ['bin/svc2nft.js', 'demo/cluster.yaml', '--cluster-cidr', '10.244.0.0/16']);
  expect(run.stdout).toContain('table ip svc2nft {');
  const refused = await execa('node', ['bin/svc2nft.js', 'no-such-file'], { reject: false });
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  const left = await execa('bash', ['-c', 'set -o pipefail; node bin/svc2nft.js demo/cluster.yaml | head -n 1'], {
    reject: false,
  });
  expect(left.stderr).not.toContain('EPIPE');
  expect(left.exitCode).toBe(0);
});
