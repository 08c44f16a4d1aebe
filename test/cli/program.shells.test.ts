import { appendFileSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test, vi } from 'vitest';

test('the executable passes exit code and output on, and is content with a reader that leaves', async () => {
  const run = await execa('node', ['bin/svc2nft.js', 'demo/cluster.yaml', '--cluster-cidr', '10.244.0.0/16']);
  expect(run.stdout).toContain('table ip svc2nft {');
  const refused = await execa('node', ['bin/svc2nft.js', 'no-such.yaml'], { reject: false });
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  const left = await execa('bash', ['-c', 'set -o pipefail; node bin/svc2nft.js demo/cluster.yaml | head -n 1'], {
    reject: false,
  });
  expect(left.stderr).not.toContain('EPIPE');
  expect(left.exitCode).toBe(0);
});

test('Ctrl+C ends --watch with exit code 0', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'cluster.yaml');
  copyFileSync('demo/cluster.yaml', file);
  const args = ['bin/svc2nft.js', 'list', file, '--cluster-cidr', '10.244.0.0/16', '-o', 'name', '--watch'];
  const watching = execa('node', args, { reject: false });
  let stdout = '';
  watching.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const times = (): number => stdout.split('service:shop/cart:http').length - 1;
  await vi.waitFor(() => expect(times()).toBe(1), { timeout: 60_000 });
  appendFileSync(file, '# changed\n');
  await vi.waitFor(() => expect(times()).toBe(2), { timeout: 60_000 });
  watching.kill('SIGINT');
  expect(await watching).toMatchObject({ exitCode: 0, stderr: `note: ${file} changed` });
});
