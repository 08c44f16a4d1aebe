import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completeZsh } from '../../../src/cli/manual/complete-zsh.ts';
import { currentManual } from './current-manual.ts';
import { hostileManual, hostileText } from './hostile-manual.ts';
import { makeFolder, programsRun, typeLines } from './shells.ts';

describe.runIf(programsRun('zsh', 'python3'))('in zsh', () => {
  let place: ReturnType<typeof makeFolder>;
  beforeAll(() => {
    place = makeFolder();
  });
  afterAll(() => place.remove());

  test('the tab key completes', async () => {
    const lines = [
      'svc2nft expl\t',
      'svc2nft --vers\t',
      'svc2nft d\t',
      'svc2nft verify --ruleset \t',
      'svc2nft verify --ruleset k\t',
      'svc2nft verify --ruleset du\t',
      'svc2nft explain --from po\tshop/web --to s\tshop/cart',
      'svc2nft explain --from o\t',
      'svc2nft diff --fa\tip6',
      'svc2nft diff --family=\t',
      'svc2nft diff -o n\t',
      'svc2nft compile --config du\t',
      'svc2nft compile --config=du\t',
      'svc2nft po\t',
      'svc2nft diff ma\t',
      'svc2nft diff --node du\t',
      'svc2nft dump.yaml --target-n\t',
      'svc2nft explain --to 10.0.0.1:80 du\t',
      'svc2nft completion z\t',
      'svc2nft help veri\t',
      'svc2nft diff --node-ip 192.0.2.1 --node-i\t192.0.2.2',
    ];
    const { calls } = await typeLines('zsh', {
      script: completeZsh(currentManual),
      lines,
      folder: place.folder,
    });
    expect(calls).toEqual([
      '<explain>',
      '<--version>',
      '<d>',
      '<verify><--ruleset>',
      '<verify><--ruleset><kernel>',
      '<verify><--ruleset><dump.yaml>',
      '<explain><--from><pod:shop/web><--to><service:shop/cart>',
      '<explain><--from><outside>',
      '<diff><--family=ip6>',
      '<diff><--family=ip>',
      '<diff><-o><nft>',
      '<compile><--config><dump.yaml>',
      '<compile><--config=dump.yaml>',
      '<pods one.yaml>',
      '<diff><manifests>',
      '<diff><--node><du>',
      '<dump.yaml><--target-nft>',
      '<explain><--to><10.0.0.1:80><dump.yaml>',
      '<completion><zsh>',
      '<help><verify>',
      '<diff><--node-ip><192.0.2.1><--node-ip=192.0.2.2>',
    ]);
  });

  test.each([
    ['svc2nft d\t', ['doctor', 'diff', 'dump.yaml']],
    ['svc2nft verify --ruleset \t', ['kernel', 'dump.yaml', 'manifests']],
    ['svc2nft explain --from \t', ['node', 'outside', 'pod:']],
  ])('words hide no files: %j', async (line, offered) => {
    const script = completeZsh(currentManual);
    const { screen } = await typeLines('zsh', { script, lines: [line], folder: place.folder });
    expect(offered.filter((word) => !screen.includes(word))).toEqual([]);
  });

  test('as a file in $fpath, too', async () => {
    const functions = join(place.folder, 'manifests');
    writeFileSync(join(functions, '_svc2nft'), completeZsh(currentManual));
    const script = `fpath=(${functions} $fpath); compinit -D -u`;
    const lines = ['svc2nft expl\t', 'svc2nft diff --fa\tip6'];
    const { calls } = await typeLines('zsh', { script, lines, folder: place.folder });
    expect(calls).toEqual(['<explain>', '<diff><--family=ip6>']);
  });

  test('lists describe commands and options, whatever the texts contain, and run nothing', async () => {
    const lines = ['svc2nft t\t', 'svc2nft o\t', 'svc2nft \t', 'svc2nft one --fi\t', 'svc2nft one --first i\t'];
    const { calls, screen } = await typeLines('zsh', {
      script: completeZsh(hostileManual),
      lines,
      folder: place.folder,
    });
    expect(calls).toEqual(['<two>', '<one>', '<>', '<one><--fi>', "<one><--first><it's>"]);
    expect(screen).toContain(`two  one  -- ${hostileText}`);
    expect(screen).toContain(`--first  -- ${hostileText}`);
    expect(screen).toContain(`--fixed  -- .second line: ${hostileText}`);
    expect(existsSync(join(place.folder, 'pwned'))).toBe(false);
  });
});
