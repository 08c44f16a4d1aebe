import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completeBash } from '../../../src/cli/manual/complete-bash.ts';
import { currentManual } from './current-manual.ts';
import { hostileManual } from './hostile-manual.ts';
import { makeFolder, programsRun, typeLines } from './shells.ts';

const script = completeBash(currentManual);

let place: ReturnType<typeof makeFolder>;
beforeAll(() => {
  place = makeFolder();
});
afterAll(() => place.remove());

/** Calls the function as readline does; `(default)` means that file names are left to readline. */
async function complete(words: readonly string[], completionScript = script): Promise<readonly string[]> {
  const harness = `set -u
${completionScript}
compopt() { echo "($2)"; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_svc2nft
[ \${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await execa('bash', ['--norc', '-c', harness, 'bash', 'svc2nft', ...words], {
    cwd: place.folder,
  });
  expect(stderr).toBe('');
  const offered = stdout === '' ? [] : stdout.split('\n');
  // Files come last, in the order of the file system.
  const firstFile = offered.findIndex((word) => ['dump.yaml', 'manifests', 'pods one.yaml'].includes(word));
  return firstFile < 0 ? offered : [...offered.slice(0, firstFile), ...offered.slice(firstFile).sort()];
}

describe('offers', () => {
  test.each<[words: string[], offered: string[]]>([
    [['expl'], ['(filenames)', 'explain']],
    [['d'], ['(filenames)', 'diff', 'dns', 'doctor', 'dump.yaml']],
    [['co'], ['(filenames)', 'compile', 'collect', 'completion']],
    [
      ['verify', '--ruleset', ''],
      ['(filenames)', 'kernel', 'dump.yaml', 'manifests', 'pods one.yaml'],
    ],
    [
      ['verify', '--ruleset', 'k'],
      ['(filenames)', 'kernel'],
    ],
    [['verify', '--ruleset', 'po'], ['(default)']],
    [['--v'], ['--version']],
    [['dump'], ['(default)']],
    [
      ['diff', '--f'],
      ['--filename', '--feature-gates', '--family', '--from', '--from-rules'],
    ],
    [
      ['diff', '--family', ''],
      ['ip', 'ip6'],
    ],
    // Readline makes words of its own of = and :.
    [
      ['diff', '--family', '='],
      ['ip', 'ip6'],
    ],
    [['diff', '--family', '=', 'ip6'], ['ip6']],
    [['diff', '-o', 'n'], ['nft']],
    [['compile', '--config', ''], ['(default)']],
    [['compile', ''], ['(default)']],
    [['dump.yaml', '--target-n'], ['--target-nft']],
    [
      ['dump.yaml', '--target-nft', ''],
      ['1.0.6', '1.1.3'],
    ],
    [['diff', '--node', ''], []],
    [['diff', '--node', 'a', ''], ['(default)']],
    [['diff', '--', '--fam'], ['(default)']],
    [['diff', '--masquerade-all', '--keep'], ['--keep-going']],
    [['diff', '--masquerade-all', '=', ''], ['(default)']],
    [['--node', 'diff', '--out'], ['--output']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['completion', 'bash', ''], []],
    [['help', 'dif'], ['diff']],
    [['explain', '--to', '10.0.0.1', ':', '80', '--zo'], ['--zone']],
    [['explain', '--to', 'fd00', '::', '1', ''], ['(default)']],
    [['clean', ''], []],
    [
      ['explain', '--from', ''],
      ['(nospace)', 'outside', 'node', 'pod:'],
    ],
    [
      ['list', '--sort-by', 'na'],
      ['namespace', 'name'],
    ],
    [['explain', '--from', 'o'], ['outside']],
    [
      ['explain', '--from', 'po'],
      ['(nospace)', 'pod:'],
    ],
    [['explain', '--from', 'pod', ':'], []],
    [['explain', '--from', 'pod', ':', 'shop'], []],
    [
      ['explain', '--to', '='],
      ['(nospace)', 'service:'],
    ],
  ])('%j', async (words, offered) => {
    expect(await complete(words)).toEqual(offered);
  });

  test('every command, and every option of every command', async () => {
    const { commands } = currentManual;
    const files = ['dump.yaml', 'manifests', 'pods one.yaml'];
    expect(await complete([''])).toEqual(['(filenames)', ...commands.map(({ name }) => name), ...files]);
    for (const { name, options } of commands) {
      expect(await complete([name, '-'])).toEqual(options.flatMap(({ names }) => names));
    }
  });

  test('values after = as whole words, if the user has removed = from COMP_WORDBREAKS', async () => {
    const words = `COMP_WORDBREAKS=\${COMP_WORDBREAKS//=/}\n${script}`;
    expect(await complete(['diff', '--family=i'], words)).toEqual(['--family=ip', '--family=ip6']);
  });

  test('texts literally, and does not run them', async () => {
    expect(await complete(['--first', ''], completeBash(hostileManual))).toEqual(['plain', "it's"]);
    expect(existsSync(join(place.folder, 'pwned'))).toBe(false);
  });
});

describe.runIf(programsRun('bash', 'python3'))('on a terminal', () => {
  test('the tab key completes', async () => {
    const lines = [
      'svc2nft expl\t',
      'svc2nft diff --fa\tip6',
      'svc2nft verify --ruleset \t',
      'svc2nft verify --ruleset k\t',
      'svc2nft verify --ruleset ma\t',
      'svc2nft verify --ruleset po\t',
      'svc2nft d\t',
      'svc2nft explain --from po\tshop/web --to s\tshop/cart',
      'svc2nft explain --from pod:\tshop/web',
      'svc2nft diff --family=\t',
      'svc2nft compile --config du\t',
      'svc2nft compile --config=du\t',
      'svc2nft po\t',
      'svc2nft diff ma\t',
      'svc2nft diff --node du\t',
      'svc2nft explain --to 10.0.0.1:80 du\t',
    ];
    const { calls } = await typeLines('bash', { script, lines, folder: place.folder });
    expect(calls).toEqual([
      '<explain>',
      '<diff><--family><ip6>',
      '<verify><--ruleset>',
      '<verify><--ruleset><kernel>',
      '<verify><--ruleset><manifests/>',
      '<verify><--ruleset><pods one.yaml>',
      '<d>',
      '<explain><--from><pod:shop/web><--to><service:shop/cart>',
      '<explain><--from><pod:shop/web>',
      '<diff><--family=ip>',
      '<compile><--config><dump.yaml>',
      '<compile><--config=dump.yaml>',
      '<pods one.yaml>',
      '<diff><manifests/>',
      '<diff><--node><du>',
      '<explain><--to><10.0.0.1:80><dump.yaml>',
    ]);
    expect(existsSync(join(place.folder, 'pwned'))).toBe(false);
  });
});
