import { describe, expect, test } from 'vitest';
import { answering, listTable, refusing, says, times } from '../support/fake-nft.ts';
import { apply } from './apply-shop.ts';
import { diff } from './diff-shop.ts';
import { change, listedShop } from './listed-shop.ts';
import type { CommandWorld } from './run-command.ts';
import { shop } from './shop.ts';

const onlyIp = ['--family', 'ip'];
const four = shop({ cart: ['10.244.1.11', '10.244.1.12', '10.244.1.13', '10.244.1.14'] });

describe('apply reports what became of the tables', () => {
  test('created', async () => {
    const { texts, stdout, ...rest } = await apply({});
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: created (17 elements, 13 chains)',
      '  shop/cart:http  new: 10.96.0.10:80/tcp, *:30080/tcp, 3 endpoints',
      '  shop/dns:dns  new: 10.96.0.53:53/udp, 1 endpoint',
      'table ip6 svc2nft: created (9 chains)',
      '',
    ]);
    expect(rest).toMatchObject({ exitCode: 0, stderr: '' });
    expect(texts.map((text) => text.split('\n')[1])).toEqual(['delete table ip svc2nft', 'delete table ip6 svc2nft']);
  });

  test('up to date: nothing is sent', async () => {
    const { texts, ...rest } = await apply({ flags: onlyIp }, listedShop());
    expect(rest).toMatchObject({ exitCode: 0, stdout: 'table ip svc2nft: up to date\n', stderr: '' });
    expect(texts).toEqual([]);
  });

  test('changed: only the difference is sent', async () => {
    const { texts, stdout, ...rest } = await apply({ flags: onlyIp, input: four }, listedShop());
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: changed (5 elements added, 2 elements deleted, 3 chains written)',
      '  shop/cart:http  3 -> 4 endpoints (+10.244.1.14:8080), share 33% -> 25%',
      '',
    ]);
    expect(rest).toMatchObject({ exitCode: 0, stderr: '' });
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain('add element ip svc2nft tcp-endpoints { 10.96.0.10 . 80 . 3 : 10.244.1.14 . 8080 }\n');
    expect(texts[0]).not.toContain('delete table');
  });

  test('changed by settings, without findings', async () => {
    const { stdout, exitCode } = await apply({ flags: [...onlyIp, '--masquerade-all'] }, listedShop());
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: changed (1 chain written)',
      '  settings  masqueraded to cluster IPs: traffic not from pods -> all traffic',
      '',
    ]);
    expect(exitCode).toBe(0);
  });

  test('rebuilt, when commands on single parts cannot repair it', async () => {
    const otherHook = change('nat-output', (body) => ({ ...body, prio: -90 }));
    const { stdout, texts, exitCode } = await apply({ flags: onlyIp }, listedShop(otherHook));
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: rebuilt (17 elements, 13 chains)',
      '  found: chain nat-output has a different hook',
      '',
    ]);
    expect(texts[0]).toMatch(/^add table ip svc2nft\ndelete table ip svc2nft\n/);
    expect(exitCode).toBe(0);
  });

  test('rebuilt, because nft refused the difference', async () => {
    const { stdout, stderr, exitCode } = await apply(
      { flags: onlyIp, input: four },
      times(1, refusing('10.244.1.14', says.fileExists)),
      listedShop(),
    );
    expect(stderr).toBe(
      'warning: table ip svc2nft: rebuilt because of nft: file-exists\n' +
        '    /dev/stdin:1:22-28: Error: Could not process rule: File exists\n',
    );
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: rebuilt (20 elements, 13 chains)',
      '  shop/cart:http  3 -> 4 endpoints (+10.244.1.14:8080), share 33% -> 25%',
      '',
    ]);
    expect(exitCode).toBe(0);
  });

  test('rebuilt, because it cannot be read: then nothing can be compared', async () => {
    const { stdout, stderr, exitCode } = await apply({ flags: onlyIp }, answering(listTable.ip, { stdout: '{' }));
    expect(stderr).toBe(
      'warning: table ip svc2nft: rebuilt because of nft: refused\n' +
        '    nft did not print whole JSON for table ip svc2nft\n',
    );
    expect(stdout).toBe('table ip svc2nft: rebuilt (17 elements, 13 chains)\n');
    expect(exitCode).toBe(0);
  });

  test('without Services that nft refuses: exit code 3', async () => {
    const { stdout, stderr, exitCode } = await apply({ flags: onlyIp }, refusing('10.96.0.53'));
    expect(stderr.split('\n')).toEqual([
      'warning: table ip svc2nft: nft: refused',
      '    /dev/stdin:1:1-9: Error: Could not process rule: Too many open files in system',
      'Report a bug in svc2nft, with the version of nft.',
      'error: table ip svc2nft: left out, because nft rejects them: shop/dns',
      '',
    ]);
    expect(stdout.split('\n')).toEqual(['table ip svc2nft: rebuilt (13 elements, 12 chains)', '']);
    expect(exitCode).toBe(3);
  });

  test('not changed, where nothing helps: exit code 3', async () => {
    const { stdout, stderr, exitCode } = await apply({}, refusing('table ip6', says.noMemory));
    expect(stderr.split('\n')).toEqual([
      'error: table ip6 svc2nft: nft: out-of-memory',
      '    netlink: Error: Could not process rule: Cannot allocate memory',
      'Give nft more memory; it needs about 3 kB for each element of a set or map.',
      '',
    ]);
    expect(stdout.split('\n').filter((line) => line.startsWith('table'))).toEqual([
      'table ip svc2nft: created (17 elements, 13 chains)',
      'table ip6 svc2nft: not changed',
    ]);
    expect(exitCode).toBe(3);
  });

  describe('of an nft that ends too early, after reading the table again', () => {
    const load = 'nft -f -';
    // Without that, a snapshot like this one is compared with the table first.
    const flags = [...onlyIp, '--allow-empty'];
    const timedOut = { exitCode: undefined, signal: 'SIGTERM', timedOut: 30_000 };
    const crashed = { exitCode: undefined, signal: 'SIGSEGV' };

    test.each([
      [
        'killed',
        says.killed,
        'rebuilt because of nft: interrupted\n    ended by SIGKILL',
        'rebuilt (17 elements, 13 chains)',
      ],
      ['crashed', crashed, 'rebuilt because of nft: crashed\n    ended by SIGSEGV', 'rebuilt (17 elements, 13 chains)'],
      [
        'too slow',
        timedOut,
        'holds the change in spite of nft: timed-out\n    nft did not finish in 30 s',
        'created (17 elements, 13 chains)',
      ],
    ])('%s, though the kernel was done: it is changed', async (_, result, warning, fate) => {
      // Checks do not change anything, so they say nothing about the table.
      const { stdout, stderr, exitCode } = await apply(
        { flags },
        answering(load, result),
        answering('nft --check -f -', result),
        times(1, answering(listTable.ip, says.noSuchFile)),
        listedShop(),
      );
      expect(stderr).toBe(`warning: table ip svc2nft: ${warning}\n`);
      expect(stdout.split('\n')[0]).toBe(`table ip svc2nft: ${fate}`);
      expect(exitCode).toBe(0);
    });

    test.each([
      [
        'killed',
        says.killed,
        'interrupted\n    ended by SIGKILL\nFind out what killed nft; the kernel sends SIGKILL when memory runs out.',
      ],
      ['crashed', crashed, 'crashed\n    ended by SIGSEGV\nInstall a newer nftables.'],
      [
        'too slow',
        timedOut,
        'timed-out\n    nft did not finish in 30 s\nLook for what keeps nft from its work: too little CPU time, or another nft that changes rules.',
      ],
    ])('%s before the kernel got it: it is not changed', async (_, result, error) => {
      const failing = [answering(load, result), answering('nft --check -f -', result)];
      const { stdout, stderr, exitCode } = await apply({ flags, input: four }, ...failing, listedShop());
      expect(stderr).toBe(`error: table ip svc2nft: nft: ${error}\n`);
      expect(stdout).toBe('table ip svc2nft: not changed\n');
      expect(exitCode).toBe(3);
    });

    test.each([
      ['killed', says.killed],
      ['crashed', crashed],
      ['too slow', timedOut],
    ])('%s, and so is the one that reads: that is what is said', async (_, result) => {
      const failing = [answering(load, result), answering('nft --check -f -', result)];
      const { stdout, exitCode } = await apply(
        { flags, input: four },
        ...failing,
        times(1, listedShop()),
        answering(listTable.ip, result),
      );
      expect(stdout).toBe('table ip svc2nft: changed or not, which could not be read\n');
      expect(exitCode).toBe(3);
    });

    test.each([
      ['a signal', crashed, 'ended by SIGSEGV'],
      ['an assertion', { exitCode: undefined, signal: 'SIGABRT' }, 'ended by SIGABRT'],
      [
        'an assertion, in a shell',
        { exitCode: 134, stderr: "nft: datatype.c:1: f: Assertion `x' failed.\n" },
        "nft: datatype.c:1: f: Assertion `x' failed.",
      ],
    ])('crashed at all that reads tables, by %s: nothing is tried', async (_, result, said) => {
      const failing = [answering(listTable.ip, result), answering('nft --check -f -', result), answering(load, result)];
      const { stdout, stderr, exitCode, commands } = await apply({ flags, input: four }, ...failing);
      expect(stderr.split('\n')).toEqual([
        'error: table ip svc2nft: nft: unreadable',
        '    nft cannot read the tables here; a newer nft may have written them',
        `    ${said}`,
        'Use the nft that wrote the tables, or a newer one; older ones cannot even delete them.',
        '',
      ]);
      expect({ stdout, exitCode }).toEqual({ stdout: 'table ip svc2nft: not changed\n', exitCode: 3 });
      expect(commands).not.toContain(load);
    });

    test('crashed at reading alone: the table is rebuilt', async () => {
      const { stdout, exitCode } = await apply({ flags }, answering(listTable.ip, crashed));
      expect(stdout.split('\n')[0]).toBe('table ip svc2nft: rebuilt (17 elements, 13 chains)');
      expect(exitCode).toBe(0);
    });

    test('too slow: it is tried once', async () => {
      const late = [answering(load, timedOut), answering('nft --check -f -', timedOut)];
      const { commands } = await apply({ flags, input: four }, ...late, listedShop());
      expect(commands.filter((command) => !command.includes('version') && !command.startsWith('uname'))).toEqual([
        'nft -j list chains',
        listTable.ip,
        load,
        listTable.ip,
      ]);
      const reading = await apply({ flags, input: four }, answering(listTable.ip, timedOut));
      expect(reading.stdout).toBe('table ip svc2nft: not changed\n');
      expect(reading.commands.slice(-1)).toEqual([listTable.ip]);
    });

    test('too slow at a check: the kernel was not asked to change anything', async () => {
      const { stdout, commands } = await apply(
        { flags: [...onlyIp, '--dry-run'], input: four },
        answering('nft --check -f -', timedOut),
        listedShop(),
      );
      expect(stdout).toBe('table ip svc2nft: would be refused\n');
      expect(commands.slice(-2)).toEqual([listTable.ip, 'nft --check -f -']);
    });
  });

  test.each([
    ['python3', ' # progname python3\n\tflags owner\n', 'the process "python3"'],
    ['nobody that can be seen', '\n\tflags owner\n', 'another process'],
    ['a hostile process', ' # progname \u001b[2J" x\n\tflags dormant,owner,persist\n', 'the process "\\u001b[2J" x"'],
  ])('not changed, because it is owned by %s', async (_, head, owner) => {
    const { stdout, stderr, exitCode } = await apply(
      { flags: onlyIp, input: four },
      answering('nft -f -', says.notPermitted),
      answering('nft -t list table ip svc2nft', { stdout: `table ip svc2nft {${head}\tchain services {\n\t}\n}\n` }),
      listedShop(),
    );
    expect(stderr.split('\n')).toEqual([
      'error: table ip svc2nft: nft: owned',
      `    table ip svc2nft is owned by ${owner}, which alone may change it`,
      'End the program that owns the table, such as an agent with --own-table, or choose another name with --table.',
      '',
    ]);
    expect(stdout).toBe('table ip svc2nft: not changed\n');
    expect(exitCode).toBe(3);
  });

  test('in another table', async () => {
    const { stdout } = await apply({ flags: [...onlyIp, '--table', 'mine'] }, listedShop());
    expect(stdout.split('\n')[0]).toBe('table ip mine: created (17 elements, 13 chains)');
  });

  test('in color on a terminal that wants it; that stderr is one does not count', async () => {
    const colorOf = async (world: Partial<CommandWorld>): Promise<string | undefined> => {
      const { stdout } = await apply({ flags: onlyIp, input: four, ...world }, listedShop());
      return /\((.*)\), share/.exec(stdout)?.[1];
    };
    const plain = '+10.244.1.14:8080';
    const green = `\u001b[32m${plain}\u001b[0m`;
    expect(await colorOf({ terminals: ['stdout'] })).toBe(green);
    expect(await colorOf({ terminals: ['stderr'] })).toBe(plain);
    expect(await colorOf({ terminals: ['stdout'], env: { NO_COLOR: '1' } })).toBe(plain);
    expect(await colorOf({ terminals: ['stdout'], env: { NO_COLOR: '', TERM: 'xterm' } })).toBe(green);
    expect(await colorOf({ terminals: ['stdout'], env: { TERM: 'dumb' } })).toBe(plain);
  });
});

describe('apply deletes stale UDP flows', () => {
  const moved = shop({ dns: ['10.244.1.54'] });
  const flow =
    'udp 17 100 src=10.244.1.50 dst=10.96.0.53 sport=40000 dport=53 src=10.244.1.53 dst=10.244.1.50 sport=5353 dport=40000 [ASSURED] mark=0 use=1\n';
  const list = 'conntrack -L -p udp -f ipv4';
  const drop =
    'conntrack -D -p udp -f ipv4 --orig-dst 10.96.0.53 --orig-port-dst 53 --reply-src 10.244.1.53 --reply-port-src 5353';

  test('and reports how many', async () => {
    const { stdout, stderr } = await apply(
      { flags: onlyIp, input: moved },
      listedShop(),
      answering(list, { stdout: flow }),
      answering(drop, { stdout: flow }),
    );
    expect(stdout.split('\n')).toEqual([
      'table ip svc2nft: changed (2 elements added, 2 elements deleted)',
      '  shop/dns:dns  1 endpoint (+10.244.1.54:5353, -10.244.1.53:5353)',
      '1 stale UDP flow deleted',
      '',
    ]);
    expect(stderr).toBe('');
  });

  test.each([
    [
      { exitCode: undefined, missing: true },
      'warning: existing UDP flows to removed endpoints continue until idle; install conntrack-tools\n',
      'continue until idle',
    ],
    [
      { exitCode: 1, stderr: 'conntrack v1.4.7 (conntrack-tools): Operation failed: sorry\n' },
      'warning: some stale UDP flows may remain: IPv4: Operation failed: sorry\n',
      'may continue until idle',
    ],
  ])('or why it could not, and which: %j', async (failure, message, fate) => {
    const result = await apply({ flags: onlyIp, input: moved }, listedShop(), answering(list, failure));
    expect(result).toMatchObject({ exitCode: 0, stderr: message });
    expect(result.stdout.split('\n')).toEqual([
      'table ip svc2nft: changed (2 elements added, 2 elements deleted)',
      '  shop/dns:dns  1 endpoint (+10.244.1.54:5353, -10.244.1.53:5353)',
      `  stale UDP flows to 10.96.0.53:53/udp at 10.244.1.53:5353: ${fate}`,
      '',
    ]);
  });

  test('but not those of an endpoint that serves while it terminates, as --dry-run says', async () => {
    const draining = shop({ dns: ['10.244.1.53', '10.244.1.54'] }).replace(
      '"addresses":["10.244.1.53"]',
      '$&,"conditions":{"ready":false,"serving":true,"terminating":true}',
    );
    const lines = ['  shop/dns:dns  1 endpoint (+10.244.1.54:5353, -10.244.1.53:5353)', ''];
    const answers = [listedShop(), answering(list, { stdout: flow })];
    const applied = await apply({ flags: onlyIp, input: draining }, ...answers);
    expect(applied.stdout.split('\n').slice(1)).toEqual(lines);
    expect(applied.commands.filter((command) => command.startsWith('conntrack'))).toEqual([list]);
    const dry = await apply({ flags: [...onlyIp, '--dry-run'], input: draining }, ...answers);
    expect(dry.stdout.split('\n').slice(1)).toEqual(lines);
    const gone = await apply({ flags: [...onlyIp, '--dry-run'], input: moved }, ...answers);
    expect(gone.stdout).toContain('stale UDP flows to 10.96.0.53:53/udp at 10.244.1.53:5353: would be deleted\n');
  });
});

describe('a machine that may be another node', () => {
  test.each([
    [['10.0.0.5'], '10.0.0.5'],
    [['10.0.0.5', '2001:db8::5'], '10.0.0.5, 2001:db8::5'],
    [
      ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'],
      '10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, ...',
    ],
  ])('gets a warning: %j', async (addresses, shown) => {
    for (const flags of [[], ['--dry-run'], ['--dry-run=server'], ['--dry-run=none']]) {
      const { exitCode, stderr } = await apply({ flags: ['--family', 'ip', ...flags], addresses });
      expect(stderr).toBe(
        `warning: this machine (${shown}) has none of the addresses of Node worker-1 (192.0.2.11)\n    check --node and --node-ip: the rules may be those of another node\n`,
      );
      expect(exitCode).toBe(0);
    }
  });

  test.each([
    [['10.0.0.5', '192.0.2.11'], []],
    [[], []],
    [undefined, []],
    [['10.0.0.5'], ['--node-ip', '10.0.0.5']],
    // Where it only plans, the rules are for another machine anyway.
    [['10.0.0.5'], ['--dry-run=client']],
    [
      ['10.0.0.5', '2001:db8::5'],
      ['--dry-run', 'client'],
    ],
    [['10.0.0.5'], ['--dry-run=client', '--node', 'worker-1']],
  ])('gets none with the addresses %j and %j', async (addresses, flags) => {
    const world = addresses ? { addresses } : {};
    expect((await apply({ flags: ['--family', 'ip', ...flags], ...world })).stderr).toBe('');
  });
});

describe('apply -o json', () => {
  const json = ['-o', 'json'];
  const changed = { family: 'ip', table: 'svc2nft', result: 'changed', tableChange: 'kept', commands: 4, findings: [] };
  const nothing = { rejectedServices: [], error: null };

  test('what changed, as in diff -o json', async () => {
    const input = shop({ dns: ['10.244.1.54'] });
    const [applied, planned] = await Promise.all([
      apply({ flags: [...onlyIp, ...json], input }, listedShop()),
      diff({ flags: json, input }, listedShop()),
    ]);
    const [table] = JSON.parse(planned.stdout).tables;
    expect(table).toMatchObject(changed);
    expect(JSON.parse(applied.stdout)).toEqual({
      dryRun: false,
      tables: [{ ...table, ...nothing }],
      conntrack: { deleted: 0, missing: false, failed: null },
    });
    expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test.each([
    [[], { dryRun: false, conntrack: { deleted: 0, missing: false, failed: null } }],
    [['--dry-run'], { dryRun: true, conntrack: null }],
    [['--dry-run=client'], { dryRun: true, conntrack: null }],
  ])('%j', async (flags, expected) => {
    const result = 'created';
    const { stdout } = await apply({ flags: [...json, ...flags] });
    const families = [
      { family: 'ip', result, ...nothing },
      { family: 'ip6', result, ...nothing },
    ];
    expect(JSON.parse(stdout)).toMatchObject({ ...expected, tables: families });
  });

  test('a table that failed has no changes; messages stay on stderr', async () => {
    const { stdout, stderr, exitCode } = await apply({ flags: json }, refusing('table ip6', says.noMemory));
    expect(JSON.parse(stdout).tables[1]).toEqual({
      family: 'ip6',
      table: 'svc2nft',
      result: 'failed',
      commands: expect.any(Number),
      rejectedServices: [],
      error: {
        kind: 'out-of-memory',
        said: ['netlink: Error: Could not process rule: Cannot allocate memory'],
        advice: 'Give nft more memory; it needs about 3 kB for each element of a set or map.',
      },
    });
    expect(stderr).toContain('error: table ip6 svc2nft: nft: out-of-memory\n');
    expect(exitCode).toBe(3);
  });

  test('Services that nft refuses', async () => {
    const { stdout, exitCode } = await apply({ flags: [...onlyIp, ...json] }, refusing('10.96.0.53'));
    const [table] = JSON.parse(stdout).tables;
    expect(table).toMatchObject({ result: 'rebuilt', rejectedServices: ['shop/dns'], error: { kind: 'refused' } });
    expect(exitCode).toBe(3);
  });

  test('an input that is refused has no output', async () => {
    const { stdout, exitCode } = await apply({ flags: json, input: '{' });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
  });
});
