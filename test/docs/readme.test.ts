import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withoutLock } from '../../src/apply/with-lock.ts';
import { compileCommand } from '../../src/cli/commands/compile-command.ts';
import { runMain } from '../support/run-main.ts';

const readme = readFileSync('README.md', 'utf8');

function blockAfter(heading: string): string {
  const section = readme.slice(readme.indexOf(`## ${heading}`));
  return /```\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
}

test('every line of the ruleset that the README shows is printed for the demo', async () => {
  const { stdout } = await runMain(['demo/cluster.yaml', '--cluster-cidr', '10.244.0.0/16']);
  const printed = new Set(stdout.split('\n').map((line) => line.trim()));
  const shown = blockAfter('What it prints')
    .split('\n')
    .map((line) => line.trim());
  expect(shown.length).toBeGreaterThan(25);
  expect(shown.filter((line) => !printed.has(line))).toEqual([]);
});

test('the diagnostic that the README shows is what one gets', async () => {
  const input = `apiVersion: v1
kind: Service
metadata:
  name: cart
  namespace: shop
spec:
  clusterIP: 10.96.0.10
  ports:
    - name: http
      port: 70000
`;
  const { stderr } = await runMain(['compile', '-'], { input });
  expect(stderr.replaceAll('<stdin>', 'cluster.yaml')).toBe(blockAfter('Command line'));
});

test('the README names every flag', () => {
  const run = () => Promise.reject(new Error('no program is needed'));
  const streams = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: {},
    run,
    lock: withoutLock,
    now: () => 0,
  };
  const flags = compileCommand(streams, () => {}).options.map(({ short, long }) => short ?? long);
  expect(flags.filter((flag) => !readme.includes(`${flag} `) && !readme.includes(`${flag}\``))).toEqual([]);
});
