import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { version } from '../../src/version.ts';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

test('installing the package runs no script, and needs caret ranges only; tools are pinned', () => {
  const installScripts = ['preinstall', 'install', 'postinstall'];
  expect(installScripts.filter((name) => name in manifest.scripts)).toEqual([]);
  expect(Object.values(manifest.dependencies).filter((range) => !/^\^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
  expect(Object.values(manifest.devDependencies).filter((range) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
});

describe('the packed package, unpacked beside its dependencies', () => {
  let folder = '';
  let files: readonly string[] = [];
  const installed = (): string => join(folder, 'node_modules/svc2nft');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    const { stdout } = await execa('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
    const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
    files = packed?.files.map(({ path }) => path) ?? [];
    mkdirSync(installed(), { recursive: true });
    await execa('tar', ['xzf', join(folder, packed?.filename ?? ''), '-C', installed(), '--strip-components=1']);
    for (const name of Object.keys(manifest.dependencies)) {
      mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
      symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
    }
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('holds what runs and what is read, and no sources', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'bin/kubectl-svc2nft.js',
        'bin/svc2nft.js',
        'dist/cli/BUNDLED-LICENSES.txt',
        'dist/index.d.ts',
        'docs/cli.md',
        'man/svc2nft.1',
        'page/style.css',
      ]),
    );
    expect(files.filter((path) => /^(src|test|fixtures|golden)\//.test(path))).toEqual([]);
  });

  test('the command line runs', async () => {
    const run = (...args: string[]) => execa('node', [join(installed(), 'bin/svc2nft.js'), ...args], { reject: false });
    expect(await run('-V')).toMatchObject({ exitCode: 0, stdout: version, stderr: '' });
    const compiled = await run('compile', 'demo/cluster.yaml', '--cluster-cidr', '10.244.0.0/16');
    expect(compiled).toMatchObject({ exitCode: 0, stderr: '' });
    expect(compiled.stdout).toContain('table ip svc2nft {');
    const drawn = await run('graph', 'demo/cluster.yaml', '--cluster-cidr', '10.244.0.0/16', '-o', 'html');
    expect(drawn.stdout).toMatch(/<!doctype html>/i);
    expect((await run('graph', 'demo/cluster.yaml', '--cluster-cidr', '10.244.0.0/16', '-o', 'svg')).stdout).toContain(
      '<svg',
    );
  });

  test('only a kubeconfig takes the optional package that reads it', async () => {
    const list = (...args: string[]) =>
      execa('node', [join(installed(), 'bin/svc2nft.js'), 'list', ...args], { reject: false, env: { HOME: folder } });
    expect(await list('--live', '--server', 'http://127.0.0.1:1')).toMatchObject({
      exitCode: 1,
      stderr: 'error: cannot read from http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
    });
    const file = join(folder, 'config');
    writeFileSync(file, '{ "contexts": [] }');
    expect(await list('--kubeconfig', file)).toMatchObject({
      exitCode: 1,
      stderr: 'error: reading a kubeconfig takes the npm package @kubernetes/client-node, which is not installed',
    });
  });

  test.each(['kubectl-svc2nft.js', 'svc2nft.js'])('%s is a plugin of kubectl under the name of one', async (file) => {
    const link = join(folder, 'kubectl-svc2nft');
    rmSync(link, { force: true });
    symlinkSync(join(installed(), 'bin', file), link);
    const { exitCode, stdout, stderr } = await execa(link, ['list'], {
      reject: false,
      env: { HOME: '/nowhere', KUBECONFIG: '' },
    });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'error: no kubeconfig: KUBECONFIG is not set, and there is no /nowhere/.kube/config; nor is this a Pod',
    });
    expect((await execa(link, ['help', 'list'])).stdout).toContain('Usage: kubectl svc2nft list ');
  });

  test.each(Object.keys(manifest.exports).filter((path) => path !== './package.json'))(
    '%s can be imported',
    async (path) => {
      const name = path.replace('.', 'svc2nft');
      const script = `console.log(Object.keys(await import('${name}')).length > 0)`;
      const { stdout } = await execa('node', ['--input-type=module', '--eval', script], { cwd: folder });
      expect(stdout).toBe('true');
    },
  );

  test('without a build, the command says what to do', async () => {
    const bare = join(folder, 'bare');
    cpSync('bin', join(bare, 'bin'), { recursive: true });
    const { exitCode, stderr } = await execa('node', [join(bare, 'bin/svc2nft.js')], { reject: false });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: 'svc2nft is not built: run "npm ci" or "npm run build" in its folder',
    });
  });
});

describe('what an import loads', () => {
  test('the rules alone: neither programs nor the command line', () => {
    const loaded = loadedWith('dist/entries/ruleset-entry.js');
    expect(loaded).toContain('dist/compile.js');
    expect(
      loaded.filter((path) => /^dist\/(apply|cli|conntrack|diff|engine|inspect|kernel)\/|execa/.test(path)),
    ).toEqual([]);
  });

  test('the engine: neither programs nor the command line', () => {
    const loaded = loadedWith('dist/entries/engine-entry.js');
    expect(loaded.filter((path) => /^dist\/(apply|cli|kernel)\/|execa/.test(path))).toEqual([]);
  });

  test('the whole library: no program runner before it is used, and not the command line', () => {
    expect(loadedWith('dist/index.js').filter((path) => /^dist\/cli\/|^execa$|graphviz/.test(path))).toEqual([]);
  });

  test('the version: no library', () => {
    const loaded = loadedWith('dist/cli/main.js');
    expect(
      loaded.filter((path) => !['dist/cli/main.js', 'dist/cli/exit-codes.js', 'dist/cli/version.js'].includes(path)),
    ).toEqual([]);
  });

  test('a command: no other command', () => {
    const loaded = loadedWith('dist/cli/compile-command.js').map((path) => path.replace('dist/cli/', ''));
    expect(loaded.filter((path) => path.endsWith('-command.js'))).toEqual(['compile-command.js']);
    expect(loadedWith('dist/cli/program.js').filter((path) => path.endsWith('-command.js'))).toEqual([]);
  });
});

/** A built file and all that it imports, directly or not; packages by their name. */
function loadedWith(entry: string): readonly string[] {
  const loaded = new Set([entry]);
  for (const path of loaded) {
    const text = path.startsWith('dist/') ? readFileSync(path, 'utf8') : '';
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export)\b[^'";]*["']([^"']+)["'];$/gm)) {
      loaded.add(specifier.startsWith('.') ? join(path, '..', specifier) : specifier);
    }
  }
  return [...loaded];
}
