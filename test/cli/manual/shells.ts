import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, execaSync } from 'execa';
import { mustRun } from '../../support/must-run.ts';
import { python3 } from '../../support/python3.ts';

const pressTab = fileURLToPath(new URL('press-tab.py', import.meta.url));

/** Whether to run tests that need these programs. Where CI is set they always run, and fail if one is missing. */
export function programsRun(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length > 0) {
    console.warn(`tests that need ${missing.join(' and ')} are skipped: not installed`);
  }
  return missing.length === 0 || mustRun();
}

function isInstalled(program: string): boolean {
  return execaSync('bash', ['-c', 'command -v "$1"', 'bash', program], { reject: false }).exitCode === 0;
}

/** A folder in which to complete file names; the caller must remove it. */
export function makeFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  mkdirSync(join(folder, 'manifests'));
  writeFileSync(join(folder, 'dump.yaml'), '');
  writeFileSync(join(folder, 'pods one.yaml'), '');
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

/** How to start each shell so that it reads that file and no configuration of the user or the machine. */
const startups: Readonly<Record<'bash' | 'zsh', Startup>> = {
  bash: { file: 'bashrc', args: ['--noprofile', '--rcfile', 'HOME/bashrc', '-i'], before: '' },
  zsh: { file: '.zshrc', args: ['-d', '-i'], before: 'autoload -Uz compinit; compinit -D -u' },
};

interface Startup {
  readonly file: string;
  /** HOME stands for the folder of the file. */
  readonly args: readonly string[];
  /** What must be done before the script is read. */
  readonly before: string;
}

/**
 * Types lines into a shell that has read a completion script.
 *
 * @returns for each line the arguments that svc2nft got, as `<diff><--family>`, and everything the terminal showed.
 */
export async function typeLines(
  shell: keyof typeof startups,
  { script, lines, folder }: { readonly script: string; readonly lines: readonly string[]; readonly folder: string },
): Promise<{ readonly calls: readonly string[]; readonly screen: string }> {
  // Not in the folder where names of files are completed.
  const home = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  const answers = join(home, 'answers');
  const { file, args, before } = startups[shell];
  const startup = `PS1='READ''Y>'
stty columns 200
${before}
${script}
svc2nft() { { printf '<%s>' "$@"; echo; } >> ${answers}; }
`;
  writeFileSync(join(home, file), startup);
  const command = [shell, ...args.map((arg) => arg.replace('HOME', home))];
  const env = { TERM: 'dumb', ZDOTDIR: home, HOME: home, HISTFILE: '' };
  const { stdout } = await execa(python3, [pressTab, JSON.stringify(lines), ...command], { cwd: folder, env });
  const calls = readFileSync(answers, 'utf8').trimEnd().split('\n');
  rmSync(home, { recursive: true });
  return { calls, screen: stdout };
}
