import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const labels: Readonly<Record<string, object>> = {
  cart: { app: 'cart', tier: 'front' },
  dns: { app: 'dns' },
};

/** The shop, its Services with labels. */
function labeledShop(): { readonly items: { kind: string; metadata: { name: string; labels?: object } }[] } {
  const list = JSON.parse(shop());
  for (const { kind, metadata } of list.items) {
    Object.assign(metadata, kind === 'Service' && { labels: labels[metadata.name] });
  }
  return list;
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  const { items } = labeledShop();
  const of = (kind: string) => JSON.stringify({ kind: 'List', items: items.filter((item) => item.kind === kind) });
  writeFileSync(join(folder, 'all.json'), JSON.stringify({ kind: 'List', items }));
  writeFileSync(join(folder, 'services.json'), of('Service'));
  writeFileSync(join(folder, 'slices.json'), of('EndpointSlice'));
  writeFileSync(join(folder, 'nodes.json'), of('Node'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a command for IPv4 on files of the folder, FOLDER/a, without asking nft. */
async function run(args: readonly string[], input?: string): Promise<CommandResult> {
  const nft = createFakeNft();
  const flags = args.includes('clean') ? [] : ['--cluster-cidr', '10.244.0.0/16', '--family', 'ip'];
  const given = [...args, ...flags].map((arg) => arg.replace('FOLDER', folder));
  const result = await runCommand(given, { run: nft.run, ...(input !== undefined && { input }) });
  expect(nft.texts()).toEqual([]);
  return result;
}

/** The names of the Services that `list` lists. */
async function listed(...flags: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await run(['list', 'FOLDER/all.json', '-o', 'json', ...flags]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return [...new Set((JSON.parse(stdout) as { items: { service: string }[] }).items.map(({ service }) => service))];
}

describe('-f is another way to name a PATH', () => {
  test.each([
    [['-f', 'FOLDER/all.json']],
    [['--filename', 'FOLDER/all.json']],
    [['--filename=FOLDER/all.json']],
    [['-f', 'FOLDER/services.json', '-f', 'FOLDER/slices.json', '-f', 'FOLDER/nodes.json']],
    [['FOLDER/services.json', '-f', 'FOLDER/slices.json', 'FOLDER/nodes.json']],
  ])('%j', async (paths) => {
    for (const command of ['compile', 'list', 'verify', 'graph']) {
      expect(await run([command, ...paths])).toEqual(await run([command, 'FOLDER/all.json']));
    }
    expect(await run(paths)).toEqual(await run(['FOLDER/all.json']));
  });

  test.each([[['-f', '-']], [['-f', 'FOLDER/nodes.json', '-f', '-']]])('%j reads stdin', async (paths) => {
    const { stdout, exitCode } = await run(['list', ...paths], shop().replace('"kind":"Node"', '"kind":"Other"'));
    expect(exitCode).toBe(0);
    expect(stdout).toContain('10.96.0.53:53/udp');
  });

  test('what cannot be read is an error', async () => {
    const { stderr, exitCode } = await run(['apply', '-f', 'no-such-file']);
    expect(stderr).toBe('no-such-file: error file-not-found: no such file or folder\n1 error: nothing is changed\n');
    expect(exitCode).toBe(1);
  });
});

describe('namespaces and names', () => {
  const one = ['cart'];
  const both = ['cart', 'dns'];

  test.each([
    [['-A'], both],
    [['--all-namespaces'], both],
    [['-n', 'shop'], both],
    [['-n', 'shop,shop'], both],
    [['--service', 'svc/cart'], one],
    [['--service', 'service/cart'], one],
    [['--service', 'services/cart'], one],
    [['--service', 'svc/shop/cart'], one],
    [['--service', 'service:shop/cart'], one],
    [['--service', 'service:shop/cart:http'], one],
    [['--service', 'service:shop/cart:http/tcp'], one],
    [['--service', 'service:shop/cart/tcp'], one],
    [['--service', 'shop/cart:80'], one],
    [['--service', 'cart:http'], one],
    [['--service', 'cart.shop'], one],
    [['--service', 'svc/cart.shop'], one],
    [['--service', 'cart.shop.svc'], one],
    [['--service', 'cart.shop.svc.cluster.local'], one],
    [['--service', 'cart.shop.svc.cluster.local.'], one],
    [['--service', 'cart.shop:80'], one],
    [['--service', 'cart,svc/dns'], both],
    [['--service', 'cart.shop:80, service:shop/dns:dns/udp'], both],
    [['--service', 'svc/cart', '--service', 'shop/dns'], both],
    [['-A', '--service', 'cart'], one],
  ])('%j', async (flags, names) => {
    expect(await listed(...flags)).toEqual(names);
  });

  test('several namespaces, separated by commas or repeated', async () => {
    const twin = shop().replaceAll('"shop"', '"edge"').replaceAll('10.96.0.', '10.96.1.').replace('30080', '30081');
    for (const flags of [
      ['-n', 'shop,edge'],
      ['-n', 'shop', '-n', 'edge'],
      ['-n', 'shop, edge'],
    ]) {
      const { stdout, exitCode } = await run(['list', 'FOLDER/all.json', '-f', '-', '-o', 'name', ...flags], twin);
      expect(stdout.split('\n')).toEqual([
        'service:edge/cart:http',
        'service:edge/dns:dns',
        'service:shop/cart:http',
        'service:shop/dns:dns',
        '',
      ]);
      expect(exitCode).toBe(0);
    }
  });

  test.each([
    [['-A', '-n', 'shop'], "option '-A, --all-namespaces' cannot be used with option '-n, --namespace <name>'", 2],
    [['-n', 'shop,'], '"" is not the name of a namespace', 2],
    [['-n', 'shop,shopp'], 'no Service in namespace "shopp" (did you mean shop?)', 1],
    [['--service', 'pod/cart/x'], '"pod/cart/x" is neither NAME nor NAMESPACE/NAME of a Service', 2],
    [['--service', 'svc/crat'], 'no Service named "crat" (did you mean cart?)', 1],
    [['--service', 'crat.shop'], 'no Service named "shop/crat" (did you mean shop/cart?)', 1],
    [['--service', 'shop/tcp'], 'no Service named "shop/tcp"', 1],
    [['--service', 'cart.shop.pod'], '"cart.shop.pod" is neither NAME nor NAMESPACE/NAME of a Service', 2],
    [['--service', 'cart.shop.default.svc'], '"cart.shop.default.svc" is neither NAME nor NAMESPACE/NAME', 2],
    [['--service', '10.96.0.10:80'], '"10.96.0.10" is neither NAME nor NAMESPACE/NAME of a Service', 2],
    [['--service', 'shop/cart:'], '"shop/cart:" is neither NAME nor NAMESPACE/NAME of a Service', 2],
  ])('%j is refused', async (flags, message, exitCode) => {
    for (const command of ['list', 'graph']) {
      const result = await run([command, 'FOLDER/all.json', ...flags]);
      expect(result.stderr).toContain(message.split(' (')[0]);
      expect(result.exitCode).toBe(exitCode);
    }
  });
});

describe('formats of kubectl that no command has', () => {
  test.each([
    'jsonpath={.items[*].service}',
    'jsonpath-as-json={.items}',
    'custom-columns=NAME:.service',
    'go-template={{range .items}}{{.service}}{{"\\n"}}{{end}}',
    'go-template-file=./a.tmpl',
    'jsonpath',
  ])('%s: -o json and jq do the same', async (format) => {
    for (const command of ['list', 'explain', 'doctor']) {
      const { stderr, stdout, exitCode } = await run([command, '-o', format, '--to', 'x', '--from', 'y']);
      expect(stderr).toMatch(/; expected .*json.*; to select fields, use -o json \| jq\n/);
      expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    }
    const { stderr } = await run(['graph', 'FOLDER/all.json', '-o', format]);
    expect(stderr).toMatch(/; expected mermaid, dot, svg or html\n/);
  });

  test('name is one where list has it', async () => {
    expect(await run(['list', 'FOLDER/all.json', '-o', 'name'])).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await run(['verify', 'FOLDER/all.json', '-o', 'name'])).stderr).toContain(
      'expected text or json; to select fields, use -o json | jq\n',
    );
  });
});

describe('-l selects by labels', () => {
  test.each([
    [['-l', 'app=cart'], ['cart']],
    [
      ['-l', 'app'],
      ['cart', 'dns'],
    ],
    [['--selector', 'app!=cart'], ['dns']],
    [['--selector=!tier'], ['dns']],
    [['-l', 'app in (cart,dns),tier'], ['cart']],
    [['-n', 'shop', '-l', 'app notin (cart)'], ['dns']],
  ])('%j', async (flags, names) => {
    expect(await listed(...flags)).toEqual(names);
  });

  test('in graph, too', async () => {
    const { stdout } = await run(['graph', 'FOLDER/all.json', '-l', 'tier=front']);
    expect(stdout).toContain('10.96.0.10');
    expect(stdout).not.toContain('10.96.0.53');
  });

  test.each([
    ['list', 'nothing to list: no Service has the labels that -l asks for\n'],
    ['graph', 'nothing to draw: no Service with the labels that -l asks for has rules on this node\n'],
  ])('that %s finds none is not an error', async (command, stderr) => {
    expect(await run([command, 'FOLDER/all.json', '-l', 'app=none'])).toMatchObject({ exitCode: 0, stderr });
  });

  test.each([
    [['FOLDER/all.json', '-l', 'app>3'], '"app>3" is not a label selector'],
    [['FOLDER/all.json', '-l', ''], '"" is not a label selector'],
    [['--kernel', '-l', 'app=cart'], '-l needs manifests, because rules do not show the labels of Services'],
    [['--ruleset', 'rules.nft', '-l', 'app=cart'], '-l needs manifests'],
    [['FOLDER/all.json', '-l', 'app', '-l', 'tier'], '--selector may be given only once'],
  ])('%j is wrong usage', async (args, message) => {
    const { stderr, exitCode, stdout } = await run(['list', ...args]);
    expect(stderr).toContain(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});

describe('a switch may have a value, as in kubectl and kube-proxy', () => {
  test.each([
    [['compile', 'FOLDER/all.json'], '--masquerade-all'],
    [['list', 'FOLDER/all.json'], '--no-headers'],
    [['list', 'FOLDER/all.json'], '--all-namespaces'],
    [['FOLDER/all.json'], '--masquerade-all'],
  ])('%j %s', async (args, flag) => {
    const [plain, switched] = [await run(args), await run([...args, flag])];
    expect(await run([...args, `${flag}=true`])).toEqual(switched);
    expect(await run([...args, `${flag}=false`])).toEqual(plain);
    expect(switched.stdout).not.toBe(plain.stdout);
  });

  test.each([
    [['compile', '--masquerade-all=yes'], "unknown option '--masquerade-all=yes'"],
    [['compile', '--node=true', '--node=false'], '--node may be given only once'],
    [['list', '--no-headers=true', '--no-headers'], '--no-headers may be given only once'],
    [['compile', '--', '--masquerade-all=true'], '--masquerade-all=true: error file-not-found'],
  ])('%j is wrong', async (args, message) => {
    const { stderr, exitCode } = await runCommand(args, { run: createFakeNft().run });
    expect(stderr).toContain(message);
    expect(exitCode).not.toBe(0);
  });
});

describe('a short flag may have an equals sign before its value, as in kubectl', () => {
  test.each([
    [
      ['list', 'FOLDER/all.json', '-o=json'],
      ['list', 'FOLDER/all.json', '-o', 'json'],
    ],
    [
      ['list', 'FOLDER/all.json', '-n=shop', '-o=wide'],
      ['list', 'FOLDER/all.json', '-n', 'shop', '-o', 'wide'],
    ],
    [
      ['list', 'FOLDER/all.json', '-l=app=cart'],
      ['list', 'FOLDER/all.json', '-l', 'app=cart'],
    ],
    [
      ['list', '-f=FOLDER/all.json', '-A=true'],
      ['list', '-f', 'FOLDER/all.json', '-A'],
    ],
    [
      ['list', '-f=FOLDER/all.json', '-A=false'],
      ['list', '-f', 'FOLDER/all.json'],
    ],
    [
      ['-f=FOLDER/all.json', '-o=nft'],
      ['compile', '-f', 'FOLDER/all.json', '-o', 'nft'],
    ],
  ])('%j', async (args, plain) => {
    const result = await run(args);
    expect(result).toEqual(await run(plain));
    expect(result.exitCode).toBe(0);
  });

  test.each([
    [['list', '-n=', 'FOLDER/all.json'], '--namespace: "" is not the name of a namespace'],
    [['list', 'FOLDER/all.json', '-A=yes'], "unknown option '-=yes'"],
    [['list', '-o=json', '-o', 'json', 'FOLDER/all.json'], '--output may be given only once'],
    [['list', '--', '-o=json'], '-o=json: error file-not-found'],
    [['list', '--keep-going=constructor'], "unknown option '--keep-going=constructor'"],
  ])('%j is wrong', async (args, message) => {
    const { stderr, exitCode } = await run(args);
    expect(stderr).toContain(message);
    expect(exitCode).not.toBe(0);
  });
});

describe('a flag that may be given once refuses the second', () => {
  test.each([
    ['compile', ['--node', 'worker-1', '--node', 'worker-2'], '--node'],
    ['compile', ['--node', 'worker-1', '--node=worker-1'], '--node'],
    ['apply', ['--table', 'a', '--table', 'b'], '--table'],
    ['list', ['-o', 'wide', '--output', 'json'], '--output'],
    ['verify', ['--keep-going', '--keep-going'], '--keep-going'],
    ['graph', ['--file', 'a.svg', '--file', 'b.svg'], '--file'],
    ['explain', ['--from', 'node', '--to', '10.96.0.10:80', '--to', '10.96.0.53:53/udp'], '--to'],
    ['clean', ['--table', 'a', '--table', 'b'], '--table'],
  ])('%s %j', async (command, flags, flag) => {
    expect(await run([command, ...flags])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: ${flag} may be given only once\n(see --help)\n`,
    });
  });

  test.each([
    [['--cluster-cidr', 'fd00:10:244::/56']],
    [['--node-ip', '192.0.2.11', '--node-ip', '2001:db8::11', '--cluster-cidr', 'fd00:10:244::/56']],
    [['--node-ip', '192.0.2.11,2001:db8::11', '--cluster-cidr', 'fd00:10:244::/56']],
  ])('%j adds up', async (flags) => {
    const { stdout, exitCode } = await run(['compile', 'FOLDER/all.json', ...flags]);
    const { stdout: same } = await runCommand(
      ['compile', join(folder, 'all.json'), '--cluster-cidr', '10.244.0.0/16,fd00:10:244::/56', '--family', 'ip'],
      { run: createFakeNft().run },
    );
    expect({ stdout, exitCode }).toEqual({ stdout: same, exitCode: 0 });
    expect(stdout).toContain('10.244.0.0/16');
  });

  test('--nodeport-addresses adds up', async () => {
    const twice = ['--nodeport-addresses', '192.0.2.0/24', '--nodeport-addresses', '198.51.100.0/24'];
    const joined = ['--nodeport-addresses', '192.0.2.0/24,198.51.100.0/24'];
    const result = await run(['compile', 'FOLDER/all.json', ...twice]);
    expect(result).toEqual(await run(['compile', 'FOLDER/all.json', ...joined]));
    expect(result.exitCode).toBe(0);
  });

  test('--cluster-cidr twice for one family is refused, however it is given', async () => {
    const { stderr, exitCode } = await run(['compile', 'FOLDER/all.json', '--cluster-cidr', '10.1.0.0/16']);
    expect(stderr).toContain('"10.1.0.0/16,10.244.0.0/16" has two CIDRs of one family');
    expect(exitCode).toBe(2);
  });
});

describe('options that only other programs have get advice', () => {
  const kubectl = 'kubectl get services,endpointslices,nodes,servicecidrs -A -o json';
  const once = `apply reads files; svc2nft agent --once reads a cluster, or ${kubectl} | svc2nft apply ...`;
  const inKubeconfig = 'a kubeconfig says that: --kubeconfig FILE and --context NAME choose one';
  const repeats = 'apply runs once; docs/commands.md shows a systemd timer that repeats it';
  const recursive = 'a folder is always read with its subfolders';
  const all = 'the rules of a node are about all Services; list and graph can select some';
  const namespaces = 'all namespaces of the input are read, without an option';
  const asks = 'nothing is asked, so the option is not needed';
  test.each([
    [['apply', '--watch', 'FOLDER/all.json'], repeats],
    [['apply', 'FOLDER/all.json', '-w'], repeats],
    [['apply', '-R', '-f', 'FOLDER'], recursive],
    [['compile', 'FOLDER', '--recursive'], recursive],
    [['list', '-R', 'FOLDER'], recursive],
    [['compile', '-n', 'shop', 'FOLDER/all.json'], all],
    [['FOLDER/all.json', '-n', 'shop'], all],
    [['-n', 'shop', 'FOLDER/all.json'], all],
    [['verify', 'FOLDER/all.json', '--selector', 'app=cart'], all],
    [['diff', '-A', 'FOLDER/all.json'], namespaces],
    [['clean', '--yes'], asks],
    [['clean', '--force'], asks],
    [['apply', '-y', 'FOLDER/all.json'], asks],
    [['list', '--cluster', 'prod'], inKubeconfig],
    [['agent', '--token=secret'], inKubeconfig],
    [['--user=me'], inKubeconfig],
    [['apply', '--live'], once],
    [['apply', '--server', 'https://x'], once],
  ])('%j', async (args, advice) => {
    const { exitCode, stdout, stderr } = await run(args);
    const [error, ...others] = stderr.replace(/\(Did you mean .*\n/, '').split('\n');
    expect(error).toMatch(/^error: unknown option '-/);
    expect(others).toEqual(['(see --help)', `note: ${advice}`, '']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test.each([
    [['doctor', '--context', 'prod']],
    [['clean', '-R']],
    [['apply', '--contexts', 'prod']],
    [['list', '--yes']],
    [['graph', '--constructor']],
  ])('others do not: %j', async (args) => {
    const { run: program } = createFakeNft();
    const { stderr, exitCode } = await runCommand(args, { run: program });
    expect(stderr).toMatch(/^error: unknown option .*\n\(.*\)\n$/s);
    expect(stderr).not.toContain('note:');
    expect(exitCode).toBe(2);
  });
});
