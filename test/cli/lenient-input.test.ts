import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { strictCodes } from '../../src/diagnostics/diagnostic.ts';
import { runMain } from '../support/run-main.ts';

const app = `apiVersion: v1
kind: Service
metadata: {name: app, namespace: d}
spec: {clusterIP: 10.43.0.31, ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-1, namespace: d, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
endpoints: [{addresses: [10.42.0.6], nodeName: n1}]
ports: [{name: http, port: 8080}]
`;
const node = (addresses: string, name = 'n1'): string =>
  `---\napiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nstatus: {addresses: [${addresses}]}\n`;
const good = '{type: InternalIP, address: 192.0.2.11}';
const names = `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: saas, namespace: other}
addressType: FQDN
endpoints: [{addresses: [db.example.net]}]
ports: [{name: https, port: 443}]
`;
const flags = ['--node', 'n1', '--cluster-cidr', '10.42.0.0/16'];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-lenient-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string | Buffer): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** What `list` says about the Service, and the codes on stderr. */
async function list(args: readonly string[], input?: string) {
  const { exitCode, stdout, stderr } = await runMain(['list', ...args], input === undefined ? {} : { input });
  const codes = [...stderr.matchAll(/(warning|error) ([a-z-]+): /g)].map(([, severity, code]) => `${severity} ${code}`);
  return { exitCode, row: stdout.split('\n').find((line) => line.includes('app')), codes, stderr };
}

describe('input that no API server refuses', () => {
  test.each([
    ['a slice of names', app + node(good) + names, ['warning unsupported-address-type']],
    [
      'another Node with a name as address',
      app + node(good) + node('{type: InternalIP, address: vk.internal}', 'vk'),
      [],
    ],
    [
      'a good and a bad address',
      app + node(`{type: InternalIP, address: n1.internal}, ${good}`),
      ['warning ignored-address'],
    ],
  ])('%s is no obstacle, only with --strict', async (_, text, codes) => {
    for (const more of [[], ['--keep-going']]) {
      const found = await list([...flags, ...more], text);
      expect([found.exitCode, found.codes]).toEqual([0, codes]);
      expect(found.row).toMatch(/10\.43\.0\.31:80\/tcp +Cluster +1 +1$/);
    }
    const strict = await list([...flags, '--strict'], text);
    expect([strict.exitCode, strict.codes]).toEqual(
      codes.length === 0 ? [0, []] : [1, codes.map((code) => code.replace('warning', 'error'))],
    );
  });

  test.each([
    ['compile', 'no ruleset'],
    ['verify', 'nothing is verified'],
    ['graph', 'nothing is drawn'],
    ['explain', 'nothing is explained'],
  ])('%s goes on, and refuses with --strict', async (command, refusal) => {
    const target = command === 'explain' ? ['--to', '10.43.0.31:80', '--from', '10.42.0.9'] : [];
    const text = app + node(good) + names;
    expect((await runMain([command, ...flags, ...target], { input: text })).exitCode).toBe(0);
    const strict = await runMain([command, ...flags, ...target, '--strict'], { input: text });
    expect([strict.exitCode, strict.stdout]).toEqual([command === 'verify' ? 2 : 1, '']);
    expect(strict.stderr).toContain('error unsupported-address-type');
    expect(strict.stderr).toContain(`1 error: ${refusal}\n`);
  });
});

describe('--config', () => {
  const head =
    'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.42.0.0/16\n';

  test.each([
    ['a field of another section', `${head}ipvs: {masqueradeAll: true, scheduler: ""}\n`],
    ['a name for kustomize', `${head}metadata: {name: kube-proxy}\n`],
    ['a misspelled field', `${head}udptimeout: 1s\n`],
  ])('goes on after an unknown field, only not with --strict: %s', async (_, text) => {
    const args = ['--node', 'n1', '--config', write('config.yaml', text)];
    const found = await list(args, app + node(good));
    expect([found.exitCode, found.codes]).toEqual([0, ['warning unknown-config-field']]);
    const strict = await list([...args, '--strict'], app + node(good));
    expect([strict.exitCode, strict.codes]).toEqual([1, ['error unknown-config-field']]);
  });

  test('reads a ConfigMap, compressed or not', async () => {
    const indented = head.replaceAll(/^/gm, '    ').trimEnd();
    const map = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-proxy}\ndata:\n  config.conf: |\n${indented}\n`;
    const expected = (await runMain(['compile', ...flags], { input: app + node(good) })).stdout;
    for (const path of [write('cm.yaml', map), write('cm.gz', gzipSync(map))]) {
      const result = await runMain(['compile', '--node', 'n1', '--config', path], { input: app + node(good) });
      expect(result).toEqual({ exitCode: 0, stdout: expected, stderr: '' });
    }
  });

  test('settings without effect are not what --strict is about', async () => {
    const path = write('config.yaml', `${head}mode: ipvs\n`);
    const found = await list(['--node', 'n1', '--config', path, '--strict'], app + node(good));
    expect([found.exitCode, found.codes]).toEqual([0, ['warning config-without-effect']]);
  });
});

describe('the feature gate AllowServiceExternalIPs', () => {
  const file = new URL(
    '../../fixtures/external-ips/external-ips-are-not-served-with-their-feature-gate-off/snapshot.yaml',
    import.meta.url,
  ).pathname;
  const config = (gate: string): string =>
    write(
      'config.yaml',
      `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16\nfeatureGates: {${gate}}\n`,
    );
  const rowsOf = async (gate: string): Promise<string[]> => {
    const { stdout } = await runMain(['list', file, '--config', config(gate)]);
    return stdout.split('\n').filter((line) => line.includes('198.51.100.1') || line.includes('2001:db8:e::10'));
  };

  test('off: list says which external IPs are not served', async () => {
    expect((await rowsOf('AllowServiceExternalIPs: false')).map((row) => row.replace(/ +/g, ' '))).toEqual([
      'away http:8083/tcp <none> <none> <none> 0 0 not served: external IP 198.51.100.12 (AllowServiceExternalIPs is off)',
      'dead http:8082/tcp <none> <none> <none> 0 0 not served: external IP 192.0.2.11, 198.51.100.11 (AllowServiceExternalIPs is off)',
      'web http:80/tcp <none> <none> <none> 0 0 not served: external IP 198.51.100.10, 2001:db8:e::10 (AllowServiceExternalIPs is off)',
    ]);
  });

  test.each(['', 'AllowServiceExternalIPs: true'])('on with {%s}', async (gate) => {
    const rows = await rowsOf(gate);
    expect(rows.filter((row) => row.includes('ExternalIP'))).toHaveLength(4);
    expect(rows.join('\n')).not.toContain('not served');
  });

  test.each([false, true])('%s: compile and verify agree', async (isOn) => {
    const gate = `AllowServiceExternalIPs: ${isOn}`;
    const rules = (await runMain(['compile', file, '--config', config(gate)])).stdout;
    expect(rules.includes('198.51.100.10 . tcp . 80')).toBe(isOn);
    expect((await runMain(['verify', file, '--config', config(gate)])).exitCode).toBe(0);
  });
});

describe('a folder', () => {
  test('may have files that are not manifests, which one line counts', async () => {
    write('m/app.yaml', app + node(good));
    write('m/kustomization.yaml', 'resources: [app.yaml]\npatches: [{path: patch.yaml}]\n');
    write('m/patch.yaml', app);
    write('m/package.json', '{"name": "x"}');
    write('m/chart/values.yaml', 'a: 1\n');
    const { exitCode, row, stderr } = await list([join(folder, 'm'), ...flags]);
    expect([exitCode, row?.includes('10.43.0.31')]).toEqual([0, true]);
    expect(stderr.replaceAll(`${folder}/`, '')).toBe(
      'warning foreign-files: passed over 4 files without a Kubernetes object: m/chart/values.yaml, m/kustomization.yaml, m/package.json, m/patch.yaml; to build a kustomization: kubectl kustomize DIR\nnamespace: d\n',
    );
    expect((await list([join(folder, 'm'), ...flags, '--strict'])).codes).toEqual(['error foreign-files']);
  });

  test.each([
    ['a wrong value', 'bad.yaml', app.replace('port: 80}', 'port: eighty}'), 'error wrong-type'],
    ['a kind that is missing', 'bad.yaml', app.replace('kind: Service\n', ''), 'error not-an-object'],
    ['text that is cut off', 'bad.yaml', app.slice(0, 100), 'error invalid-yaml'],
  ])('with a mistake in an object is refused: %s', async (_, name, text, code) => {
    write('m/values.yaml', 'a: 1\n');
    write(`m/${name}`, text);
    const { exitCode, codes } = await list([join(folder, 'm'), ...flags]);
    expect([exitCode, codes.sort()]).toEqual([1, [code, 'warning foreign-files']]);
  });

  test('the same file is refused when it is named', async () => {
    expect((await list([write('values.yaml', 'a: 1\n'), ...flags])).codes).toEqual(['error not-an-object']);
  });

  test('may hide nothing in the names of its files', async () => {
    write('m/app.yaml', app + node(good));
    write('m/\u001b[31m.yaml', 'a: 1\n');
    const { stderr } = await list([join(folder, 'm'), ...flags]);
    expect(stderr).toContain('m/\\u001b[31m.yaml');
    expect(stderr).not.toContain('\u001b');
  });
});

describe('standard input', () => {
  test.each([
    ['gzip', gzipSync(app + node(good)).toString('latin1')],
    [
      'watch events',
      watch(
        ['ADDED', app.replace('31', '30')],
        ['ADDED', node(good)],
        ['MODIFIED', app],
        ['ADDED', names],
        ['DELETED', names],
      ),
    ],
  ])('may be %s', async (_, input) => {
    const path = write('in', Buffer.from(input, 'latin1'));
    const { exitCode, row, codes } = await list([path, ...flags]);
    expect([exitCode, codes]).toEqual([0, []]);
    expect(row).toMatch(/10\.43\.0\.31:80\/tcp +Cluster +1 +1$/);
  });

  test.each([
    ['NAME   TYPE        CLUSTER-IP\nweb    ClusterIP   10.96.0.10\n', 'add -o json'],
    ['error: You must be logged in to the server (Unauthorized)\n', 'check that the command works'],
    ['{{ if .Values.a }}\nkind: Service\n{{ end }}\n', 'helm template'],
    ['kind: Kustomization\nresources: []\n', 'kubectl kustomize'],
  ])('%j is refused with advice', async (input, advice) => {
    const { exitCode, stderr } = await list(flags, input);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(advice);
  });
});

/** Watch events of the objects in manifests. */
function watch(...events: readonly (readonly [type: string, manifests: string])[]): string {
  return events
    .flatMap(([type, text]) =>
      text
        .split('---\n')
        .filter(Boolean)
        .map((object) => ({ type, object })),
    )
    .map(({ type, object }) => `type: ${type}\nobject:\n${object.replaceAll(/^(?=.)/gm, '  ')}`)
    .join('---\n');
}

test('--strict and --keep-going exclude each other', async () => {
  const { exitCode, stderr } = await runMain(['list', '--strict', '--keep-going'], { input: app });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("option '--strict' cannot be used with option '--keep-going'");
});

test('docs/diagnostics.md names the warnings that --strict turns into errors', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/diagnostics.md'), 'utf8');
  const [, paragraph = ''] = /\nWith `--strict`,(.*?)\n\n/s.exec(page) ?? [];
  const codes = [...paragraph.matchAll(/`([a-z-]+)`/g)].map(([, code]) => code);
  expect(codes.sort()).toEqual([...strictCodes].sort());
});
