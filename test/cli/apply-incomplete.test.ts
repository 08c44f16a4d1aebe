import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, answering, listChains, listTable } from '../support/fake-nft.ts';
import { runMain } from '../support/run-main.ts';
import { type Applied, apply } from './apply-shop.ts';
import { listedShop } from './listed-shop.ts';
import { shop } from './shop.ts';

type Item = Readonly<Record<string, unknown>> & { readonly kind: string; readonly metadata: { readonly name: string } };

const onlyIp = ['--family', 'ip'];
const items: readonly Item[] = JSON.parse(shop()).items;
const [worker] = items.filter(({ kind }) => kind === 'Node');
const everything = 'kubectl get services,endpointslices,nodes,servicecidrs -A -o json';

function listOf(objects: readonly unknown[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
}

function without(kind: string): string {
  return listOf(items.filter((item) => item.kind !== kind));
}

function withNodes(...names: readonly string[]): string {
  const nodes = names.map((name) => ({ ...worker, metadata: { name } }));
  return listOf([...items.filter(({ kind }) => kind !== 'Node'), ...nodes]);
}

describe('apply refuses half a cluster with one message', () => {
  test.each([
    [
      'EndpointSlice',
      `error no-endpoint-slices: the input has 2 Services but no EndpointSlice, so no Service has endpoints; get both: ${everything}; if it is meant to be so, use --allow-empty`,
    ],
    [
      'Service',
      `error no-services: the input has 2 EndpointSlices but no Service, so nothing is served; get both: ${everything}; if it is meant to be so, use --allow-empty`,
    ],
    [
      'Node',
      `error node-not-found: the input has no Node, so its addresses are not known; get it: ${everything}, or give --node-ip; if it is meant to be so, use --allow-empty`,
    ],
  ])('without %s', async (kind, message) => {
    const { exitCode, stdout, stderr, texts } = await apply({ flags: onlyIp, input: without(kind) }, listedShop());
    expect(stderr).toBe(`${message}\n1 error: nothing is changed\n`);
    expect({ exitCode, stdout, texts }).toEqual({ exitCode: 1, stdout: '', texts: [] });
  });

  test('what an error says is escaped, and named before what follows from it', async () => {
    const status = {
      kind: 'Status',
      status: 'Failure',
      message: 'no\u001b[2J\u202eway',
      reason: 'Forbidden',
      code: 403,
    };
    const input = `${JSON.stringify(status)}\n${without('EndpointSlice')}`;
    const { exitCode, stderr, texts } = await apply({ flags: [...onlyIp, '--allow-empty'], input }, listedShop());
    expect(stderr.split('\n')[0]).toBe(
      `<stdin>:1:47: error api-error: Status: an error of the API server in place of objects: "no\\u001b[2J\\u202eway", "Forbidden", code 403; check that this works: ${everything}`,
    );
    expect(stderr.match(/^(\S+ )?error /gm)).toHaveLength(1);
    expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
  });

  test('as a line of JSON', async () => {
    const flags = [...onlyIp, '--diagnostics', 'json'];
    const { stderr } = await apply({ flags, input: without('EndpointSlice') }, listedShop());
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ severity: 'error', code: 'no-endpoint-slices' });
  });

  test('a table that cannot be read may serve Services', async () => {
    const { exitCode, stderr, texts } = await apply(
      { flags: onlyIp, input: listOf([worker]) },
      answering(listTable.ip, { stdout: '{' }),
    );
    expect(stderr).toMatch(
      /^error no-services: .* the table in the kernel cannot be read, and may serve some; get all: /,
    );
    expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
  });

  test.each([
    [['not an address'], 1],
    [['not an address', '192.0.2.11'], 0],
  ])('a Node with the addresses %j', async (addresses, expected) => {
    const status = { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) };
    const input = listOf(items.map((item) => (item.kind === 'Node' ? { ...item, status } : item)));
    const { exitCode, stderr } = await apply({ flags: [...onlyIp, '--allow-empty'], input });
    expect(exitCode).toBe(expected);
    expect(stderr.startsWith('error no-node-address: no address of the Node is valid, so node ports')).toBe(
      expected === 1,
    );
  });

  test.each<[string, unknown]>([
    ['no status', undefined],
    ['a status without addresses', {}],
    ['an empty list', { addresses: [] }],
    ['only a name', { addresses: [{ type: 'Hostname', address: 'worker-1' }] }],
  ])('a Node without addresses, of which node ports would be open on all: %s', async (_, status) => {
    const input = listOf(items.map((item) => (item.kind === 'Node' ? { ...item, status } : item)));
    const { exitCode, stderr, texts } = await apply({ flags: onlyIp, input }, listedShop());
    expect(stderr).toBe(
      `error no-node-address: the Node has no address in its status, so node ports would be open on all addresses; get it: ${everything}, or give --node-ip; if it is meant to be so, use --allow-empty\n1 error: nothing is changed\n`,
    );
    expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
    for (const flags of [['--node-ip', '192.0.2.11'], ['--allow-empty']]) {
      expect((await apply({ flags: [...onlyIp, ...flags], input }, listedShop())).exitCode).toBe(0);
    }
  });

  test('slices of headless Services are not those of the others', async () => {
    const slices = items.filter(({ kind }) => kind === 'EndpointSlice');
    const headless = { ...items.find(({ kind }) => kind === 'Service'), spec: { clusterIP: 'None' } };
    const named = { ...headless, metadata: { name: 'db', namespace: 'data' } };
    const labels = { 'kubernetes.io/service-name': 'db' };
    const ofHeadless = slices.map((slice, index) => ({
      ...slice,
      metadata: { name: `db-${index}`, namespace: 'data', labels },
    }));
    const others = items.filter(({ kind }) => kind !== 'EndpointSlice');
    const { exitCode, stderr, texts } = await apply(
      { flags: onlyIp, input: listOf([...others, named, ...ofHeadless]) },
      listedShop(),
    );
    expect(stderr).toMatch(
      /^error no-endpoint-slices: the input has 2 Services and 2 EndpointSlices, but none of these /,
    );
    expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
  });

  test.each([
    ['incomplete-list', 'apiVersion: v1\nkind: ServiceList\n'],
    ['incomplete-list', 'apiVersion: v1\nitems:\nkind: List\n'],
    ['not-an-object', `apiVersion: v1\nitems: ${JSON.stringify(items)}\nkind: Li`],
  ])('a list that is cut off is refused as %s: %.60s', async (code, input) => {
    const flags = [...onlyIp, '--keep-going', '--allow-empty'];
    const { exitCode, stderr, texts } = await apply({ flags, input }, listedShop());
    expect(stderr).toMatch(new RegExp(`^<stdin>:\\d+:\\d+: error ${code}: .*\\n1 error: nothing is changed\\n$`, 's'));
    expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
  });

  test.each(['Forbidden', '{"message": "Unauthorized", "code": 401}', '<html>502</html>', '{}'])(
    'what is not an object may have been a list, even with --keep-going: %s',
    async (text) => {
      // As YAML, which may be anything.
      const input = `---\n${listOf(items)}\n---\n${text}\n`;
      const flags = [...onlyIp, '--keep-going', '--allow-empty'];
      const { exitCode, stderr, texts } = await apply({ flags, input }, listedShop());
      expect(stderr).toMatch(/^<stdin>:\d+:1: error not-an-object: .*\n1 error: nothing is changed\n$/s);
      expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
    },
  );

  test('other errors are reported with it, not hidden by it', async () => {
    const [cart, ...others] = items.filter(({ kind }) => kind === 'Service');
    const broken = { ...cart, spec: { clusterIP: 'nowhere', ports: [{ port: 80 }] } };
    const { exitCode, stderr } = await apply({ flags: onlyIp, input: listOf([broken, ...others, worker]) });
    expect(stderr).toContain('error invalid-address: ');
    expect(exitCode).toBe(1);
  });
});

describe('apply refuses the Services of some namespaces where the table serves those of others', () => {
  const [cart] = items.filter(({ kind }) => kind === 'Service');
  const serviceIn = (namespace: string, name: string, spec: object): object => ({
    ...cart,
    metadata: { namespace, name },
    spec,
  });
  const sliceIn = (namespace: string, name: string): object => ({
    ...items.find(({ kind }) => kind === 'EndpointSlice'),
    metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
  });
  const web = [serviceIn('web', 'api', { clusterIP: '10.96.7.1', ports: [{ port: 80 }] }), sliceIn('web', 'api')];
  const apiServer = [
    serviceIn('default', 'kubernetes', { clusterIP: '10.96.0.1', ports: [{ port: 443 }] }),
    sliceIn('default', 'kubernetes'),
  ];
  const headless = serviceIn('data', 'db', { clusterIP: 'None' });
  // Of another API group, so not a Service of Kubernetes.
  const knative = { ...headless, apiVersion: 'serving.knative.dev/v1' };
  const lost = 'the table in the kernel serves 2 Services (shop/cart, shop/dns) of other namespaces';

  test.each<[string, readonly object[], string, string?]>([
    ['default', apiServer, 'default'],
    ['web', web, 'web'],
    ['web, where not all are served', [...web, serviceIn('web', 'db', { clusterIP: 'None' })], 'web'],
    [
      'default, and a foreign one',
      [...apiServer, knative],
      'default',
      'ignored kinds: Service.serving.knative.dev (1)\n',
    ],
  ])('only those of %s', async (_, objects, namespace, notes = '') => {
    const input = listOf([worker, ...objects]);
    for (const dryRun of [[], ['--dry-run'], ['--dry-run=client'], ['--keep-going']]) {
      const result = await apply({ flags: [...onlyIp, ...dryRun], input }, listedShop());
      expect(result.stderr).toBe(
        `${notes}error no-services: all Services of the input are in namespace ${namespace}, but ${lost}; get all namespaces: ${everything}; if it is meant to be so, use --allow-empty\n1 error: nothing is changed\n`,
      );
      expect(result).toMatchObject({ exitCode: 1, stdout: '', texts: [] });
    }
    const meant = await apply({ flags: [...onlyIp, '--allow-empty'], input }, listedShop());
    expect(meant).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('removed 2 Services') });
  });

  test.each<[string, readonly object[]]>([
    ['of two namespaces', [...web, ...apiServer]],
    ['of one, and a headless one of another', [headless, ...apiServer]],
  ])('but not those %s', async (_, objects) => {
    const input = listOf([worker, ...objects]);
    expect(await apply({ flags: onlyIp, input }, listedShop())).toMatchObject({ exitCode: 0, stderr: '' });
  });

  const servesApiServer = listedShop((objects) =>
    objects.map(({ kind, body }) => ({
      kind,
      body: JSON.parse(JSON.stringify(body).replaceAll('shop/dns:dns', 'default/kubernetes:https')),
    })),
  );

  test.each<[string, readonly object[]]>([
    ['of two namespaces', [...web, ...items.filter(({ kind }) => kind !== 'Node')]],
    ['of one, and a headless one of another', [headless, ...web]],
    ['with a kubernetes of another namespace', [...web, serviceIn('shop', 'kubernetes', { clusterIP: 'None' })]],
  ])('without the Service of the API server: %s', async (_, objects) => {
    const input = listOf([worker, ...objects]);
    const { exitCode, stderr, texts } = await apply({ flags: onlyIp, input }, servesApiServer);
    expect(stderr).toBe(
      `error no-services: the input has no Service default/kubernetes, which every cluster has and the table in the kernel serves; get all: ${everything}; if it is meant to be so, use --allow-empty\n1 error: nothing is changed\n`,
    );
    expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
    expect((await apply({ flags: [...onlyIp, '--allow-empty'], input }, servesApiServer)).exitCode).toBe(0);
    expect(
      (await apply({ flags: onlyIp, input: listOf([worker, ...objects, ...apiServer]) }, servesApiServer)).exitCode,
    ).toBe(0);
    expect((await apply({ flags: onlyIp, input }, listedShop())).exitCode).toBe(0);
  });

  test('the table is not read for that where the input has several namespaces and the API server', async () => {
    const reads = async (objects: readonly object[]): Promise<number> => {
      const { commands } = await apply({ flags: onlyIp, input: listOf([worker, ...objects]) }, listedShop());
      return commands.filter((command) => command.includes('list table')).length;
    };
    expect(await reads([...web, ...apiServer])).toBe(1);
  });
});

describe('apply refuses the EndpointSlices of some namespaces where the table has endpoints for Services of others', () => {
  const select = (spec: object): object => ({ selector: { app: 'a' }, ...spec });
  const apiServer = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'default', name: 'kubernetes' },
      spec: { clusterIP: '10.96.0.1', ports: [{ port: 443 }] },
    },
    {
      ...items.find(({ kind }) => kind === 'EndpointSlice'),
      metadata: { namespace: 'default', name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    },
  ];
  const services = items
    .filter(({ kind }) => kind === 'Service')
    .map((item) => ({ ...item, spec: select(item['spec'] as object) }));
  const slices = items.filter(({ kind }) => kind === 'EndpointSlice');
  const [emptySlice] = slices.map((slice) => ({ ...slice, endpoints: [] }));
  const warning = `warning namespace-without-slices: 1 namespace (shop) has Services with selectors but no EndpointSlice, so these have no endpoints; get those of all namespaces: ${everything}\n`;

  test.each<[string, readonly string[]]>([
    ['', []],
    [' --dry-run', ['--dry-run']],
    [' --keep-going', ['--keep-going']],
    [' --strict', ['--strict']],
  ])('the slices of default only%s', async (_, flags) => {
    const input = listOf([worker, ...services, ...apiServer]);
    const { exitCode, stderr, texts } = await apply({ flags: [...onlyIp, ...flags], input }, listedShop());
    expect(stderr).toBe(
      `error namespace-without-slices: 1 namespace (shop) of the input has no EndpointSlice, but the table in the kernel has endpoints for 2 Services (shop/cart, shop/dns) there; get all namespaces: ${everything}; if it is meant to be so, use --allow-empty\n1 error: nothing is changed\n`,
    );
    expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
  });

  test.each<[string, readonly object[], string]>([
    ['slices without endpoints', [...services, emptySlice ?? {}], ''],
    ['all slices', [...services, ...slices], ''],
    ['Services without selectors', items.filter(({ kind }) => kind === 'Service'), ''],
    ['headless Services', services.map((item) => ({ ...item, spec: select({ clusterIP: 'None' }) })), ''],
  ])('but not %s', async (_, objects, expected) => {
    const input = listOf([worker, ...objects, ...apiServer]);
    const { exitCode, stderr } = await apply({ flags: onlyIp, input }, listedShop());
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expected });
  });

  test('a table without endpoints there loses none', async () => {
    const input = listOf([worker, ...services, ...apiServer]);
    const elsewhere = listedShop((objects) =>
      objects.map(({ kind, body }) => ({ kind, body: JSON.parse(JSON.stringify(body).replaceAll('shop/', 'web/')) })),
    );
    for (const answer of [elsewhere, undefined]) {
      const { exitCode, stderr } = await apply({ flags: onlyIp, input }, ...(answer ? [answer] : []));
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: warning });
    }
  });

  test('--allow-empty leaves it a warning', async () => {
    const input = listOf([worker, ...services, ...apiServer]);
    const { exitCode, stderr } = await apply({ flags: [...onlyIp, '--allow-empty'], input }, listedShop());
    expect([exitCode, stderr.split('\n')[0]]).toEqual([0, warning.trim()]);
  });

  test('all commands warn of it', async () => {
    const input = listOf([worker, ...services, ...apiServer]);
    for (const command of ['list', 'compile', 'verify', 'graph']) {
      const { stderr } = await runMain([command, '--cluster-cidr', '10.244.0.0/16'], { input });
      expect(stderr).toContain(warning);
    }
  });
});

describe('Services that were never in a cluster', () => {
  const manifests = items
    .filter(({ kind }) => kind === 'Service')
    .map((item) => ({ ...item, spec: { selector: { app: 'a' }, ports: [{ port: 80 }] } }));

  test.each<[string, string]>([
    ['alone', listOf(manifests)],
    ['as documents', manifests.map((object) => JSON.stringify(object)).join('\n')],
    ['with a Node', listOf([worker, ...manifests])],
  ])('are named as the cause, not the EndpointSlices: %s', async (_, input) => {
    const { stderr } = await runMain(['list', '--cluster-cidr', '10.244.0.0/16'], { input });
    expect(stderr).toMatch(
      /^<stdin>:\d+:\d+: warning no-cluster-ip: (1 Service has|\d Services have|Service shop\/cart: it has) no clusterIP: /,
    );
    expect(stderr).not.toContain('no-endpoint-slices');
    const applied = await apply({ flags: [...onlyIp, '--node-ip', '192.0.2.11'], input }, listedShop());
    expect(applied.stderr).toMatch(/^<stdin>:\d+:\d+: warning no-cluster-ip: /);
    expect(applied.stderr).toContain('error no-services: the input has no Service with a cluster IP, but ');
    expect(applied).toMatchObject({ exitCode: 1, texts: [] });
  });
});

describe('a misspelled kind', () => {
  const renamed = (from: string, to: string): string =>
    listOf(items.map((item) => (item.kind === from ? { ...item, kind: to } : item)));

  test.each([
    ['Service', 'service', '2 times'],
    ['Service', 'Services', '2 times'],
    ['EndpointSlice', 'EndpointSlices', '2 times'],
    ['Node', 'node', ''],
  ])('%s as %s is refused by apply, named by others', async (from, to, times) => {
    const input = renamed(from, to);
    const says = `: Kubernetes has no kind "${to}"; did you mean ${from}?${times && ` (${times})`}\n`;
    for (const flags of [[], ['--allow-empty'], ['--keep-going']]) {
      const { exitCode, stderr, texts } = await apply({ flags: [...onlyIp, ...flags], input }, listedShop());
      expect(stderr).toMatch(/^<stdin>:\d+:\d+: error misspelled-kind: /);
      expect(stderr).toContain(says);
      expect(stderr.match(/^(\S+ )?error /gm)).toHaveLength(1);
      expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
    }
    const list = await runMain(['list', '--cluster-cidr', '10.244.0.0/16'], { input });
    expect(list.stderr).toMatch(/^<stdin>:\d+:\d+: warning misspelled-kind: /);
    expect(list.exitCode).toBe(0);
    const strict = await runMain(['list', '--cluster-cidr', '10.244.0.0/16', '--strict'], { input });
    expect(strict.stderr).toMatch(/^<stdin>:\d+:\d+: error misspelled-kind: /);
    expect(strict.exitCode).toBe(1);
  });
});

describe('a watch without its initial list', () => {
  const events = (type: string, among: readonly Item[]): string =>
    among.map((object) => JSON.stringify({ type, object })).join('\n');
  const listed = (...kinds: readonly string[]) => items.filter(({ kind }) => kinds.includes(kind));
  const [first] = listed('Service');

  test.each<[string, string]>([
    ['all Services', `${without('Service')}\n${events('MODIFIED', listed('Service'))}`],
    ['one deleted Service', `${listOf(items.slice(2))}\n${events('DELETED', first ? [first] : [])}`],
    ['EndpointSlices', `${without('EndpointSlice')}\n${events('MODIFIED', listed('EndpointSlice'))}`],
    ['the Node', `${events('MODIFIED', listed('Node'))}\n${without('Node')}`],
    ['all objects', events('MODIFIED', items)],
  ])('is refused by apply, also with --allow-empty: %s', async (_, input) => {
    for (const flags of [[], ['--allow-empty'], ['--keep-going'], ['--dry-run']]) {
      const { exitCode, stdout, stderr, texts } = await apply({ flags: [...onlyIp, ...flags], input }, listedShop());
      expect(stderr).toMatch(
        /^<stdin>:\d+:\d+: error incomplete-list: \w+ \S+: the watch has no initial list: .*\n.*\n.*\n1 error: nothing is changed\n$/,
      );
      expect({ exitCode, stdout, texts }).toEqual({ exitCode: 1, stdout: '', texts: [] });
    }
  });

  test('with it, it is applied', async () => {
    const input = `${events('ADDED', items)}\n${events('MODIFIED', items)}`;
    expect(await apply({ flags: onlyIp, input }, listedShop())).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test.each(['compile', 'list', 'verify'])('%s warns of it first', async (command) => {
    const args = [command, '--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16'];
    const input = events('MODIFIED', items);
    const { exitCode, stdout, stderr } = await runMain(args, { input });
    expect(stderr).toMatch(/^<stdin>:1:\d+: warning incomplete-list: Node worker-1: the watch has no initial list/);
    expect(exitCode).toBe(0);
    expect(stdout).not.toBe('');
    const strict = await runMain([...args, '--strict'], { input });
    expect(strict.stderr).toMatch(/^<stdin>:1:\d+: error incomplete-list: /);
    expect(strict.exitCode).not.toBe(0);
  });
});

describe('apply and a file of a folder', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'svc2nft-apply-'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  async function applyFile(text: string, ...flags: readonly string[]) {
    writeFileSync(join(folder, 'slices.json'), text);
    writeFileSync(join(folder, 'list.json'), '{"apiVersion": "v1", "kind": "List", "items": []}');
    return apply({ flags: [...onlyIp, ...flags, folder] }, listedShop());
  }

  test.each([
    ['', 'empty-input: the input is empty'],
    ['\n', 'empty-input: the input is empty'],
    ['{', 'invalid-json: the text ends'],
    ['{\n  "apiV', 'invalid-json: the text ends'],
    ['apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Service\n', 'not-an-object: this mapping has no kind'],
    ['apiVersion: v1\nitems:', 'not-an-object: this mapping has no kind'],
    ['apiVersion: v1', 'not-an-object: this mapping has no kind'],
  ])('which may be what is left of a list: %j is refused', async (text, error) => {
    for (const flags of [[], ['--keep-going'], ['--allow-empty']]) {
      const { exitCode, stderr, texts } = await applyFile(text, ...flags);
      expect(stderr).toMatch(new RegExp(`/slices\\.json(:\\d+:\\d+)?: error ${error}`));
      expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
    }
  });

  test.each(['', ' \n', '# no objects\n', '---\n'])('stdin may be empty, and nothing is changed: %j', async (input) => {
    for (const flags of [[], ['--allow-empty'], ['--keep-going'], ['--dry-run'], ['--dry-run=client']]) {
      const { exitCode, stdout, stderr, texts } = await apply({ flags: [...onlyIp, ...flags], input }, listedShop());
      expect(stderr).toBe(
        `<stdin>: error empty-input: the input is empty; expected Kubernetes objects in YAML or JSON: ${everything}\n1 error: nothing is changed\n`,
      );
      expect({ exitCode, stdout, texts }).toEqual({ exitCode: 1, stdout: '', texts: [] });
    }
  });

  test.each(['# nothing here\n', '{"name": "shop"}', 'replicas: 2\n'])('%j is passed over', async (text) => {
    const { exitCode, stderr } = await applyFile(text);
    expect(stderr).toMatch(/^warning foreign-files: /);
    expect(exitCode).toBe(0);
  });

  test('other commands warn, and refuse it with --strict', async () => {
    writeFileSync(join(folder, 'slices.json'), '');
    writeFileSync(join(folder, 'list.json'), listOf(items));
    const list = (...flags: readonly string[]) =>
      runMain(['list', folder, '--cluster-cidr', '10.244.0.0/16', ...flags], {});
    const lenient = await list();
    expect([lenient.exitCode, lenient.stderr]).toEqual([
      0,
      expect.stringMatching(/\/slices\.json: warning empty-input: /),
    ]);
    const strict = await list('--strict');
    expect([strict.exitCode, strict.stderr]).toEqual([1, expect.stringMatching(/\/slices\.json: error empty-input: /)]);
  });
});

describe('apply with several Nodes', () => {
  const nodes = withNodes('control-1', 'worker-1', 'worker-2');
  test.each([
    ['worker-1', nodes],
    ['WORKER-1', nodes],
    ['worker-1.example.net', nodes],
    ['worker-1.example.net', withNodes('worker-2', 'worker-1.example.net')],
    ['Worker-1.Example.Net', withNodes('worker-1', 'worker-1.example.net')],
  ])('takes the one with the name of the machine: %s', async (hostName, input) => {
    const { exitCode, stdout, stderr } = await apply({ flags: onlyIp, input, hostName });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('table ip svc2nft: created');
  });

  test.each(['192.0.2.77', '192.0.2.11,192.0.2.78'])('--node-ip %s does not change which', async (addresses) => {
    const flags = [...onlyIp, '--node-ip', addresses];
    expect(await apply({ flags, input: nodes, hostName: 'worker-1' })).toMatchObject({ exitCode: 0, stderr: '' });
    const refused = await apply({ flags, input: nodes, hostName: 'elsewhere' });
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('error several-nodes: ') });
  });

  test('takes the node that is named, whatever the machine is called', async () => {
    const flags = [...onlyIp, '--node', 'worker-2'];
    expect((await apply({ flags, input: nodes, hostName: 'elsewhere' })).exitCode).toBe(0);
  });

  test.each<[string, string, string]>([
    ['elsewhere', nodes, 'the input has 3 Nodes (control-1, worker-1, worker-2)'],
    ['worker', nodes, 'the input has 3 Nodes (control-1, worker-1, worker-2)'],
    [
      'x',
      withNodes(...Array.from({ length: 40 }, (_, index) => `n${index}`)),
      'the input has 40 Nodes (n0, n1, n10, n11, n12, n13, n14, n15, ...)',
    ],
  ])('is refused where none is called like the machine: %s', async (hostName, input, names) => {
    const { exitCode, stderr, texts } = await apply({ flags: [...onlyIp, '--allow-empty'], input, hostName });
    expect(stderr).toBe(
      `error several-nodes: ${names}, and none has the name of this machine (${hostName}); use --node NAME\n1 error: nothing is changed\n`,
    );
    expect({ exitCode, texts }).toEqual({ exitCode: 1, texts: [] });
  });

  test('other commands do not look at the name of the machine', async () => {
    const { exitCode, stderr } = await runMain(['compile', '--cluster-cidr', '10.244.0.0/16'], { input: nodes });
    expect(stderr).toContain('warning several-nodes: ');
    expect(exitCode).toBe(0);
  });
});

describe('apply names the Services that it removes', () => {
  const fewer = (...names: readonly string[]): string =>
    listOf(items.filter(({ metadata: { name } }) => !names.some((gone) => name === gone || name === `${gone}-1`)));

  test.each([
    [[], '  removed 1 Service (shop/dns)'],
    [['--dry-run'], '  would remove 1 Service (shop/dns)'],
  ])('with %j, after the changes of the table', async (flags, line) => {
    const { stdout } = await apply({ flags: [...onlyIp, ...flags], input: fewer('dns') }, listedShop());
    const lines = stdout.split('\n');
    expect(lines[1]).toBe('  shop/dns:dns  gone: 10.96.0.53:53/udp');
    expect(lines.filter((one) => one.startsWith('  ')).at(-1)).toBe(line);
  });

  test('but not one that only loses a port', async () => {
    const spec = { clusterIP: '10.96.0.10', ports: [{ name: 'other', port: 80 }] };
    const isCart = ({ kind, metadata: { name } }: Item): boolean => kind === 'Service' && name === 'cart';
    const input = listOf(items.map((item) => (isCart(item) ? { ...item, spec } : item)));
    const { stdout } = await apply({ flags: onlyIp, input }, listedShop());
    expect(stdout).toContain('shop/cart:http  gone');
    expect(stdout).not.toContain('removed');
  });
});

describe('apply beside kube-proxy', () => {
  const chains = (...found: readonly (readonly [string, string, string])[]) =>
    answering(listChains, {
      stdout: JSON.stringify({ nftables: found.map(([family, table, name]) => ({ chain: { family, table, name } })) }),
    });

  test.each([
    [chains(['ip', 'kube-proxy', 'services']), 'table ip kube-proxy', 'nft delete table ip kube-proxy'],
    [
      chains(['ip', 'kube-proxy', 'services'], ['ip6', 'kube-proxy', 'services']),
      'table ip kube-proxy and table ip6 kube-proxy',
      'nft delete table ip6 kube-proxy',
    ],
    [chains(['ip', 'nat', 'KUBE-SERVICES']), 'KUBE-SERVICES in iptables (nft)', 'kube-proxy --cleanup'],
  ])('warns, and says how to remove its rules: %#', async (answer, what, wayOut) => {
    const { exitCode, stderr, commands }: Applied = await apply({ flags: onlyIp }, answer);
    expect(stderr).toMatch(/^warning: kube-proxy also translates Services: /);
    expect(stderr).toContain(what);
    expect(stderr).toContain(wayOut);
    expect(commands.filter((command) => command.includes('kube-proxy') || command.includes('nat'))).toEqual([]);
    expect(exitCode).toBe(0);
  });

  test.each([
    ['tables of others', chains(['inet', 'firewall', 'input'], ['ip', 'nat', 'DOCKER'])],
    ['no answer', answering(listChains, { exitCode: 1 })],
    ['no JSON', answering(listChains, { stdout: 'table ip kube-proxy' })],
  ])('does not warn of %s', async (_, answer) => {
    expect((await apply({ flags: onlyIp }, answer)).stderr).toBe('');
  });
});

describe('apply beside a second svc2nft', () => {
  const tables = (...names: readonly (readonly [string, string])[]) =>
    answering(listChains, {
      stdout: JSON.stringify({
        nftables: names.flatMap(([family, table]) => [
          {
            chain: {
              family,
              table,
              name: 'nat-prerouting',
              type: 'nat',
              hook: 'prerouting',
              prio: -100,
              policy: 'accept',
            },
          },
          { chain: { family, table, name: 'services' } },
        ]),
      }),
    });
  const wins = 'the table loaded last wins\n    Remove the table that you do not need: svc2nft clean --table NAME.\n';

  test.each<[Answer, readonly string[], string]>([
    [tables(['ip', 'svc2nft'], ['ip', 'two']), [], 'table ip two has the base chains of svc2nft and also translates'],
    [
      tables(['ip', 'two'], ['ip6', 'two']),
      [],
      'table ip two and table ip6 two have the base chains of svc2nft and also translate',
    ],
    [
      tables(['ip', 'svc2nft']),
      ['--table', 'two'],
      'table ip svc2nft has the base chains of svc2nft and also translates',
    ],
    [tables(['ip', 'two\u001b[2J']), [], 'table ip two\\u001b[2J has the base chains of svc2nft and also translates'],
  ])('warns, and says how to remove it: %#', async (answer, flags, what) => {
    for (const dryRun of [[], ['--dry-run']]) {
      const { exitCode, stderr } = await apply({ flags: [...onlyIp, ...flags, ...dryRun] }, answer);
      expect(stderr).toBe(`warning: ${what} Services; ${wins}`);
      expect(exitCode).toBe(0);
    }
  });

  test.each<[Answer, readonly string[]]>([
    [tables(['ip', 'svc2nft'], ['ip6', 'svc2nft']), []],
    [tables(['ip', 'two']), ['--table', 'two']],
  ])('does not warn of its own: %#', async (answer, flags) => {
    expect(await apply({ flags: [...onlyIp, ...flags] }, answer)).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('commands that change nothing warn of it first', () => {
  test.each(['compile', 'list', 'verify', 'graph'])('%s', async (command) => {
    const flags = command === 'graph' ? ['-o', 'dot'] : [];
    const args = [command, '--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16', ...flags];
    const { exitCode, stdout, stderr } = await runMain(args, { input: without('EndpointSlice') });
    expect(stderr.split('\n')[0]).toBe(
      `warning no-endpoint-slices: the input has 2 Services but no EndpointSlice, so no Service has endpoints; get both: ${everything}`,
    );
    expect(exitCode).toBe(0);
    expect(stdout).not.toBe('');
  });

  test('explain', async () => {
    const args = ['explain', '--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16', '--from', 'node'];
    const { stderr } = await runMain([...args, '--to', '10.96.0.10:80'], { input: without('EndpointSlice') });
    expect(stderr).toMatch(/^warning no-endpoint-slices: /);
  });

  test('of v1 Endpoints by their name', async () => {
    const endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'cart', namespace: 'shop' } };
    const input = listOf([...items.filter(({ kind }) => kind !== 'EndpointSlice'), endpoints, endpoints]);
    const { stderr } = await runMain(['list', '--cluster-cidr', '10.244.0.0/16'], { input });
    expect(stderr).toMatch(
      /^warning no-endpoint-slices: the input has 2 v1 Endpoints, which are not read, and no EndpointSlice; get EndpointSlices: kubectl get endpointslices -A -o json\n/,
    );
  });
});
