import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { createFakeNft } from '../support/fake-nft.ts';
import { clockWithoutProgress } from '../support/without-progress.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const three = shop();
const four = shop({ cart: ['10.244.1.11', '10.244.1.12', '10.244.1.13', '10.244.1.14'] });

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  file = join(folder, 'shop.json');
  writeFileSync(file, three);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A command that runs until `interrupt` is called. */
interface Watching {
  /** Waits until the output so far is this; fails if it does not come. */
  readonly sees: (check: (outputs: { readonly stdout: string; readonly stderr: string }) => void) => Promise<void>;
  /** Resolves to the exit code. */
  readonly interrupt: () => Promise<number>;
}

function watch(args: readonly string[]): Watching {
  const controller = new AbortController();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const outputs = { stdout: '', stderr: '' };
  stdout.on('data', (chunk) => {
    outputs.stdout += chunk;
  });
  stderr.on('data', (chunk) => {
    outputs.stderr += chunk;
  });
  const rules = ['--cluster-cidr', '10.244.0.0/16', '--family', 'ip'];
  const running = main([...args, ...rules, '-w'], {
    stdin: Object.assign(new PassThrough(), { isTTY: true }),
    stdout,
    stderr,
    env: {},
    run: createFakeNft().run,
    now: clockWithoutProgress(),
    interruption: controller.signal,
  });
  return {
    sees: async (check) => {
      await vi.waitFor(() => check(outputs), { timeout: 60_000 });
    },
    interrupt: () => {
      controller.abort();
      return running;
    },
  };
}

/** How often the output has a text. */
const times = (text: string, output: string): number => output.split(text).length - 1;

describe('--watch prints again', () => {
  test.each<[how: string, change: () => void]>([
    ['when a file is written', () => writeFileSync(file, four)],
    [
      'when an editor replaces it',
      () => {
        writeFileSync(`${file}.new`, four);
        renameSync(`${file}.new`, file);
      },
    ],
    [
      'when it is removed and written again',
      () => {
        unlinkSync(file);
        writeFileSync(file, four);
      },
    ],
  ])('%s', async (_, change) => {
    const watching = watch(['list', file, '--service', 'cart']);
    await watching.sees(({ stdout }) => expect(times('10.96.0.10:80/tcp', stdout)).toBe(1));
    change();
    await watching.sees(({ stdout, stderr }) => {
      expect(stdout).toMatch(/10\.96\.0\.10:80\/tcp {3}Cluster {3}4 /);
      expect(stderr).toContain(`note: ${file} changed\n`);
    });
    expect(await watching.interrupt()).toBe(0);
  });

  test('when a link leads to another file', async () => {
    const link = join(folder, 'link.json');
    const other = join(folder, 'other.json');
    writeFileSync(other, four);
    symlinkSync(file, link);
    const watching = watch(['compile', link]);
    await watching.sees(({ stdout }) => expect(times('table ip svc2nft {', stdout)).toBe(1));
    unlinkSync(link);
    symlinkSync(other, link);
    await watching.sees(({ stdout }) => expect(stdout).toContain('10.244.1.14'));
    expect(await watching.interrupt()).toBe(0);
  });

  test('when a file of a folder changes, however deep, or appears', async () => {
    const below = join(folder, 'all', 'deep');
    mkdirSync(below, { recursive: true });
    renameSync(file, join(below, 'shop.json'));
    const watching = watch(['list', join(folder, 'all')]);
    await watching.sees(({ stdout }) => expect(times('10.96.0.10:80/tcp', stdout)).toBe(1));
    writeFileSync(join(below, 'shop.json'), four);
    await watching.sees(({ stdout }) => expect(times('10.96.0.10:80/tcp', stdout)).toBe(2));
    const added = three.replaceAll('"shop"', '"edge"').replaceAll('10.96.0.', '10.96.1.').replace('30080', '30081');
    writeFileSync(join(folder, 'all', 'edge.json'), added.replace('"kind":"Node"', '"kind":"Other"'));
    await watching.sees(({ stdout }) => expect(stdout).toContain('10.96.1.10:80/tcp'));
    expect(await watching.interrupt()).toBe(0);
  });

  test('when the configuration changes', async () => {
    const config = join(folder, 'config.yaml');
    const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
    writeFileSync(config, head);
    const watching = watch(['compile', file, '--config', config]);
    await watching.sees(({ stdout }) => expect(times('table ip svc2nft {', stdout)).toBe(1));
    appendFileSync(config, 'nodePortAddresses: [198.51.100.0/24]\n');
    await watching.sees(({ stdout, stderr }) => {
      expect(times('table ip svc2nft {', stdout)).toBe(2);
      expect(stderr).toContain(`note: ${config} changed\n`);
    });
    expect(await watching.interrupt()).toBe(0);
  });

  test.each<[command: string, args: string[], before: string, after: string]>([
    ['diff', ['OLD', 'FILE'], 'shop/dns:dns', '(+10.244.1.14:8080)'],
    ['verify', ['FILE'], '4 endpoints', '5 endpoints'],
    ['graph', ['FILE'], '10.244.1.13', '10.244.1.14'],
    ['explain', ['FILE', '--from', 'outside', '--to', '10.96.0.10:80'], '10.244.1.13', '10.244.1.14'],
  ])('in %s', async (command, args, before, after) => {
    const old = join(folder, 'old.json');
    writeFileSync(old, shop({ dns: ['10.244.1.54'] }));
    const watching = watch([command, ...args.map((arg) => arg.replace('OLD', old).replace('FILE', file))]);
    await watching.sees(({ stdout }) => {
      expect(stdout).toContain(before);
      expect(stdout).not.toContain(after);
    });
    writeFileSync(file, four);
    await watching.sees(({ stdout }) => expect(stdout).toContain(after));
    expect(await watching.interrupt()).toBe(0);
  });
});

describe('--watch goes on', () => {
  test('while the file is invalid or missing', async () => {
    const watching = watch(['list', file]);
    await watching.sees(({ stdout }) => expect(times('10.96.0.10:80/tcp', stdout)).toBe(1));
    writeFileSync(file, '{"kind": ');
    await watching.sees(({ stderr }) => expect(stderr).toContain('error invalid-json'));
    unlinkSync(file);
    await watching.sees(({ stderr }) => expect(stderr).toContain('error file-not-found'));
    writeFileSync(file, four);
    await watching.sees(({ stdout }) => expect(times('10.96.0.10:80/tcp', stdout)).toBe(2));
    expect(await watching.interrupt()).toBe(0);
  });

  test('and is not woken by other files, nor by what it writes itself', async () => {
    const all = join(folder, 'all');
    mkdirSync(all);
    renameSync(file, join(all, 'shop.json'));
    const output = join(all, 'rules.nft');
    const watching = watch(['compile', all, '--file', output]);
    await watching.sees(() => expect(existsSync(output)).toBe(true));
    writeFileSync(join(all, 'notes.txt'), 'a');
    writeFileSync(join(all, 'shop.json'), four);
    await watching.sees(({ stderr }) => expect(times('changed', stderr)).toBe(1));
    writeFileSync(join(all, 'shop.json'), three);
    await watching.sees(({ stderr }) => expect(times('changed', stderr)).toBe(2));
    expect(await watching.interrupt()).toBe(0);
    await watching.sees(({ stderr }) => expect(times('changed', stderr)).toBe(2));
  });
});

describe('--watch needs files', () => {
  test.each([
    [['list', '-w']],
    [['list', '-', '--watch']],
    [['verify', 'docs/shop.yaml', '-f', '-', '-w']],
    [['list', '--kernel', '-w']],
    [['list', '--ruleset', 'kernel', '-w']],
    [['list', '--ruleset', '-', '-w']],
    [['diff', '-', 'docs/shop.yaml', '-w']],
  ])('%j is wrong usage', async (args) => {
    const { run } = createFakeNft();
    expect(await runCommand(args, { run, input: three })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'error: -w watches files, and stdin is not a file: name a PATH (see --help)\n',
    });
  });

  test.each(['apply', 'clean', 'doctor'])('%s has no such flag', async (command) => {
    const { run } = createFakeNft();
    const { stderr, exitCode } = await runCommand([command, '-w'], { run, input: three });
    expect(stderr).toContain("unknown option '-w'");
    expect(exitCode).toBe(2);
  });
});
