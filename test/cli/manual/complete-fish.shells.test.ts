import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completeFish } from '../../../src/cli/manual/complete-fish.ts';
import { currentManual } from './current-manual.ts';
import { hostileManual, hostileText } from './hostile-manual.ts';
import { makeFolder, programsRun } from './shells.ts';

describe.runIf(programsRun('fish'))('in fish', () => {
  let place: ReturnType<typeof makeFolder>;
  beforeAll(() => {
    place = makeFolder();
  });
  afterAll(() => place.remove());

  /** What fish offers for each line: words, with their descriptions after a tab. */
  async function complete(lines: readonly string[], script: string): Promise<readonly (readonly string[])[]> {
    const harness = `${script}\nfor line in $argv\n  complete -C $line\n  echo ---\nend`;
    const { stdout, stderr } = await execa('fish', ['--no-config', '-c', harness, ...lines], {
      cwd: place.folder,
      env: { HOME: place.folder, XDG_CONFIG_HOME: place.folder, XDG_DATA_HOME: place.folder },
    });
    expect(stderr).toBe('');
    return `\n${stdout}`
      .split('\n---')
      .slice(0, -1)
      .map((part) => part.split('\n').slice(1));
  }

  test.each<[line: string, offered: string[]]>([
    ['svc2nft ex', ['explain', 'expose']],
    ['svc2nft --vers', ['--version']],
    ['svc2nft du', ['dump.yaml']],
    ['svc2nft d', ['diff', 'dns', 'doctor', 'dump.yaml']],
    ['svc2nft verify --ruleset k', ['kernel']],
    ['svc2nft verify --ruleset d', ['dump.yaml']],
    ['svc2nft explain --from ', ['node', 'outside', 'pod:']],
    ['svc2nft explain --to s', ['service:']],
    ['svc2nft diff --f', ['--family', '--feature-gates', '--filename', '--from', '--from-rules']],
    ['svc2nft diff --family ', ['ip', 'ip6']],
    ['svc2nft diff --family=', ['--family=ip', '--family=ip6']],
    ['svc2nft diff -o n', ['nft']],
    ['svc2nft compile --config d', ['dump.yaml']],
    ['svc2nft compile d', ['dump.yaml']],
    ['svc2nft diff --node d', []],
    ['svc2nft diff --node=d', []],
    ['svc2nft dump.yaml --target-n', ['--target-nft']],
    ['svc2nft dump.yaml --dry', []],
    ['svc2nft completion ', ['bash', 'fish', 'zsh']],
    ['svc2nft help dif', ['diff']],
    ['svc2nft clean d', []],
  ])('%s', async (line, offered) => {
    const [found = []] = await complete([line], completeFish(currentManual));
    expect(found.map((word) => word.split('\t')[0])).toEqual(offered);
  });

  test('describes commands and options, whatever the texts contain, and runs nothing', async () => {
    const lines = ['svc2nft on', 'svc2nft one --fi', 'svc2nft one --first '];
    expect(await complete(lines, completeFish(hostileManual))).toEqual([
      [`one\t${hostileText}`],
      [`--first\t${hostileText}`, `--fixed\t.second line: ${hostileText}`],
      [`it's\t${hostileText}`, `plain\t${hostileText}`],
    ]);
    expect(existsSync(join(place.folder, 'pwned'))).toBe(false);
  });
});
