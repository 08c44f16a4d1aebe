import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shop } from '../../cli/shop.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { runInNamespace } from '../../support/run-in-namespace.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  writeFileSync(join(folder, 'shop.json'), shop());
  writeFileSync(join(folder, 'moved.json'), shop({ dns: ['10.244.1.54'] }));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const program = resolve('bin/svc2nft.js');
const flags = '--cluster-cidr 10.244.0.0/16 --family ip';

/** `replace_nft SCRIPT` puts a shell script in place of nft, in which `$real` is nft; `keep_nft` takes it away. */
const helpers = `
  real=$(PATH=$PATH:/usr/sbin:/sbin command -v nft)
  PATH=$PWD/bin:$PATH
  rm -rf bin started
  replace_nft() { mkdir bin; printf '#!/bin/sh\\nreal=%s\\n%s\\n' "$real" "$1" > bin/nft; chmod +x bin/nft; hash -r; }
  keep_nft() { mv bin "bin-$RANDOM$RANDOM"; hash -r; }
`;

function inNamespace(script: string): Promise<string[]> {
  return runInNamespace(`${helpers}${script}`, { cwd: folder });
}

/** Without what changes from one run to the next. */
function withoutNumbers(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replaceAll(`${folder}/`, '')
      .replace(/\b(process|and) \d+/g, '$1 N')
      .replace(/for \d+ s/, 'for T s'),
  );
}

/** It has the whole transaction before it says that it has started: a svc2nft that is killed before has sent nothing. */
const slow = `case "$*" in
  *'-f -'*) input=$(mktemp); cat > $input; exec < $input; rm $input; touch started; sleep 8 ;;
esac
exec $real "$@"`;
const changed = [
  'table ip svc2nft: changed (2 elements added, 2 elements deleted)',
  '  shop/dns:dns  1 endpoint (+10.244.1.54:5353, -10.244.1.53:5353)',
];

describe.skipIf(!kernelTestsRun)('the lock of apply', () => {
  test('is kept by the nft of a killed apply, and the next one says for whom it waits', async () => {
    const lines = await inNamespace(`
      replace_nft '${slow.replaceAll("'", "'\\''").replace('touch started', `touch ${folder}/started`)}'
      node ${program} apply shop.json ${flags} > first 2>&1 &
      disown
      until [ -e started ]; do sleep 0.05; done
      kill -9 $!
      keep_nft
      svc2nft apply moved.json ${flags}
      svc2nft diff moved.json ${flags}
    `);
    // It sees what the late nft has done.
    expect(withoutNumbers(lines)).toEqual([
      expect.stringMatching(
        /^warning: waiting: the lock on table svc2nft is held by process N \(\/bin\/sh bin\/nft -f -\) and N \(sleep 8\) for T s, left by process N$/,
      ),
      ...changed,
    ]);
  });

  test.each([
    [
      'binds the abstract name that older versions used',
      "require('net').createServer().listen('\\0svc2nft svc2nft', () => console.log('has it'))",
      ['has it'],
    ],
    [
      'writes into the folder',
      "try { require('fs').writeFileSync('/run/svc2nft/1', '') } catch (error) { console.log(error.code) } setTimeout(() => {}, 60000)",
      ['EACCES'],
    ],
    [
      'makes the other folder',
      "try { require('fs').mkdirSync('/tmp/svc2nft-0') } catch {} console.log('made'); setTimeout(() => {}, 60000)",
      ['made'],
    ],
  ])('cannot be taken by another user who %s', async (_, script, said) => {
    // Whoever has to wait says so in another line.
    const lines = await inNamespace(`
      svc2nft apply shop.json ${flags} > first
      setpriv --reuid=65534 --regid=65534 --clear-groups "$(command -v node)" -e "${script}" > said &
      until [ -s said ]; do sleep 0.05; done
      svc2nft apply moved.json ${flags}
      kill $!
      cat said
      if [ "$(stat -c %u /tmp/svc2nft-0 2>/dev/null)" = 65534 ]; then rmdir /tmp/svc2nft-0; fi
    `);
    expect(lines).toEqual([...changed, ...said]);
  });

  test.each([
    [
      'a read-only /run',
      'mount -t tmpfs -o ro none /run && mount -t tmpfs none /tmp',
      'the lock is in /tmp/svc2nft-0, so it keeps away only those who use this folder, too: /run/svc2nft: EROFS: read-only file system',
    ],
    [
      'a folder that has become read-only',
      'mkdir -p /run/svc2nft && mount --bind /run/svc2nft /run/svc2nft && mount -o remount,bind,ro /run/svc2nft && mount -t tmpfs none /tmp',
      'the lock is in /tmp/svc2nft-0, so it keeps away only those who use this folder, too: /run/svc2nft: EROFS: read-only file system',
    ],
    [
      'read-only folders only',
      'mount -t tmpfs -o ro none /run && mount -t tmpfs -o ro none /tmp',
      'no lock keeps another svc2nft away: /run/svc2nft: EROFS: read-only file system, /tmp/svc2nft-0: EROFS: read-only file system',
    ],
    ['a folder of its own', 'mount -t tmpfs none /run', undefined],
  ])('with %s says what it is worth', async (_, mounts, warning) => {
    // The project may be in a folder that the mounts hide.
    const lines = await inNamespace(`
      svc2nft apply shop.json ${flags} > first
      unshare --mount bash -c 'mount --bind ${resolve('.')} /mnt; ${mounts}; node /mnt/bin/svc2nft.js apply - ${flags}' < moved.json
    `);
    expect(lines).toEqual([...(warning === undefined ? [] : [`warning: ${warning}`]), ...changed]);
  });

  test('belongs to one of many processes, which are killed now and then', async () => {
    // A process that is dead, and not waited for, has given back the lock and is listed until then.
    writeFileSync(
      join(folder, 'contend.mjs'),
      `import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
      import { setTimeout as wait } from 'node:timers/promises';
      const { withLock } = await import(${JSON.stringify(resolve('dist/index.js'))});
      const own = String(process.pid);
      const end = 1000 * process.argv[2];
      const isAlive = async (pid) => {
        await wait(20);
        return existsSync('/proc/' + pid) && !/\\) [ZX] /.test(readFileSync('/proc/' + pid + '/stat', 'utf8'));
      };
      const work = async () => {
        const before = existsSync('inside') ? readFileSync('inside', 'utf8') : '';
        if (before !== '' && (await isAlive(before).catch(() => false))) appendFileSync('log', 'two at once\\n');
        writeFileSync('inside', own);
        await wait(Math.random() * 3);
        if (Math.random() < 0.03) process.kill(process.pid, 'SIGKILL');
        if (readFileSync('inside', 'utf8') !== own) appendFileSync('log', 'two at once\\n');
        rmSync('inside');
        appendFileSync('log', 'done\\n');
      };
      while (Date.now() < end) await withLock({ table: 'contended', run: async () => ({}) }, work);
      `,
    );
    const lines = await inNamespace(`
      end=$(($(date +%s) + 4))
      contend() { until node contend.mjs $end; do :; done > /dev/null 2>&1; }
      contend & contend & contend & contend &
      wait
      sort log | uniq
    `);
    expect(lines).toEqual(['done']);
  });

  test('is not taken to look, and not by those who only look', async () => {
    const lines = await inNamespace(`
      svc2nft apply shop.json ${flags} > first
      replace_nft '${slow.replaceAll("'", "'\\''").replace('touch started', `touch ${folder}/started`)}'
      node ${program} apply moved.json ${flags} > second 2>&1 &
      until [ -e started ]; do sleep 0.05; done
      keep_nft
      svc2nft diff shop.json ${flags}
      svc2nft apply shop.json ${flags} --dry-run
      wait
      tail -n 2 second
    `);
    expect(lines).toEqual(['table ip svc2nft: up to date', ...changed]);
  });
});

describe.skipIf(!kernelTestsRun)('what keeps nft from its work', () => {
  test.each([20, 22, 24])('too few open files (%i): what to do, in one line', async (count) => {
    expect(
      await inNamespace(`
        (ulimit -n ${count}; svc2nft apply shop.json ${flags})
        (ulimit -n 64; svc2nft apply shop.json ${flags} | head -n 1)
      `),
    ).toEqual([
      'error: too many open files; allow at least 64 (ulimit -n 64)',
      'exit code 2',
      'table ip svc2nft: created (17 elements, 13 chains)',
    ]);
  });

  test.each([
    ['svc2nft apply moved.json', ['table ip svc2nft: not changed', 'exit code 3']],
    ['svc2nft clean --family ip', ['exit code 3']],
  ])('a table that another process owns: %s', async (command, end) => {
    const lines = await inNamespace(`
      export HOME=$PWD
      mkfifo input
      nft -i < input > owner 2>&1 &
      exec 5> input
      echo 'add table ip svc2nft { flags owner; }' >&5
      until nft list table ip svc2nft 2>/dev/null >&2; do sleep 0.05; done
      ${command}${command.includes('apply') ? ` ${flags}` : ''}
      exec 5>&-
      wait
      rm input
    `);
    expect(lines).toEqual([
      'error: table ip svc2nft: nft: owned',
      '    table ip svc2nft is owned by the process "nft", which alone may change it',
      'End the program that owns the table, such as an agent with --own-table, or choose another name with --table.',
      ...end,
    ]);
  });

  test('500 MB from nft: the table is rebuilt, whatever memory there is', async () => {
    const lines = await inNamespace(`
      svc2nft apply shop.json ${flags} > first
      replace_nft 'case "$*" in *"list table"*) exec tr "\\\\0" x < /dev/zero ;; esac; exec $real "$@"'
      node --max-old-space-size=100 ${program} apply moved.json ${flags}
    `);
    expect(lines.map((line) => line.replace(/\d+ MB/, 'N MB'))).toEqual([
      'warning: table ip svc2nft: rebuilt because of nft: refused',
      '    printed more than N MB',
      'table ip svc2nft: rebuilt (17 elements, 13 chains)',
    ]);
  });
});
