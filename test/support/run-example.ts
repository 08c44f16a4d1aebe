import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';

/** What became of the example. */
export interface ExampleRun {
  readonly stdout: string;
  readonly stderr: string;
  /** What `nft list ruleset` prints after it, in its network namespace. */
  readonly ruleset: string;
}

const root = resolve('.');
const tsc = resolve('node_modules/.bin/tsc');

/**
 * Does with an example what its reader would: puts it into a project that has the package installed, compiles it there
 * with all checks, and runs it, in a network namespace of its own.
 *
 * @param files TypeScript by name; `main.ts` is what runs.
 */
export async function runExample(files: Readonly<Record<string, string>>): Promise<ExampleRun> {
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  try {
    await installPackage(join(folder, 'node_modules', 'svc2nft'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
    await execa(tsc, { cwd: folder });
    const { stdout, stderr } = await execa('unshare', ['--net', 'sh', '-ec', script], { cwd: folder });
    return { stdout, stderr, ruleset: await readFile(join(folder, 'ruleset.nft'), 'utf8') };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const script = 'node main.js; nft --stateless list ruleset > ruleset.nft';

/** Ours, but for what only a library needs. */
const settings = {
  extends: join(root, 'tsconfig.json'),
  compilerOptions: {
    noEmit: false,
    declaration: false,
    isolatedDeclarations: false,
    typeRoots: [join(root, 'node_modules/@types')],
  },
  include: ['*.ts'],
};

/** Builds it from its sources, so that nothing older is tried. */
async function installPackage(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), await readFile('package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await execa(tsc, ['--project', 'tsconfig.build.json', '--outDir', join(folder, 'dist')]);
}
