import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withoutLock } from '../../src/apply/with-lock.ts';
import { compileCommand } from '../../src/cli/commands/compile-command.ts';
import { behaviorTexts } from '../../src/inspect/verify/behaviors.ts';
import { runMain } from '../support/run-main.ts';

const commands = readFileSync('docs/commands.md', 'utf8');

function blockIn(heading: string, word: string): string {
  const section = commands.slice(commands.indexOf(`\n## ${heading}\n`));
  const blocks = [...section.matchAll(/^```\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  return blocks.find((block) => block.includes(word)) ?? '';
}

test('every line of the ruleset that the page shows is printed for the demo', async () => {
  const { stdout } = await runMain(['demo/cluster.yaml', '--cluster-cidr', '10.244.0.0/16']);
  const printed = new Set(stdout.split('\n').map((line) => line.trim()));
  const shown = blockIn('compile', 'map service-ips')
    .split('\n')
    .map((line) => line.trim());
  expect(shown.length).toBeGreaterThan(25);
  expect(shown.filter((line) => !printed.has(line))).toEqual([]);
});

test('the diagnostic that the page shows is the one that is printed', async () => {
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
  expect(stderr.replaceAll('<stdin>', 'cluster.yaml')).toBe(blockIn('compile', 'invalid-port'));
});

test.each(['whatif', 'migrate'])('the text of %s that the page shows is the one that is printed', async (name) => {
  const shown = blockIn(name, `npx svc2nft ${name}`);
  const [command = '', ...text] = shown.split('\n');
  const { stdout, stderr } = await runMain(command.split(' ').slice(3));
  expect([stdout, stderr]).toEqual([text.join('\n'), '']);
});

test('the Service that the page shows is the one that expose prints', async () => {
  const [command = '', ...text] = blockIn('expose', 'npx svc2nft expose').split('\n');
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web' }] } };
  const web = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } }, template },
  };
  const args = command.split(' ').slice(3);
  expect(args[2]).toBe('shop.yaml');
  const { stdout } = await runMain(args.toSpliced(2, 1, '-'), { input: JSON.stringify(web) });
  expect(stdout).toBe(text.join('\n'));
});

test('the page names every flag of compile', () => {
  const run = () => Promise.reject(new Error('no program is needed'));
  const context = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: {},
    run,
    lock: withoutLock,
    now: () => 0,
    hostName: 'worker-1',
  };
  const flags = compileCommand(context, () => {}).options.map(({ short, long }) => short ?? long);
  expect(flags.filter((flag) => !commands.includes(`${flag} `) && !commands.includes(`${flag}\``))).toEqual([]);
});

test('the page has each code of a note once', () => {
  const section = commands.slice(commands.indexOf('### Rules of kube-proxy'), commands.indexOf('\n## top'));
  const codes = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code);
  expect(codes.sort()).toEqual(Object.keys(behaviorTexts).sort());
});
