import { describe, expect, test } from 'vitest';
import { type Diagnostic, severityOf } from '../../../src/diagnostics/diagnostic.ts';
import { formatDiagnostic } from '../../../src/diagnostics/format-diagnostic.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';

const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ports: [{port: 80}]}\n';

/** Reads files as from a folder: how many objects there are, and what is said. */
function readFolder(files: Readonly<Record<string, string>>) {
  const texts = Object.entries(files).map(([file, text]) => ({ file, content: Buffer.from(text), isFound: true }));
  const { documents, diagnostics } = readDocuments(texts);
  return {
    count: documents.length,
    said: diagnostics.map((found) => `${severityOf(found)} ${found.code}`),
    diagnostics,
  };
}

function readNamed(file: string, text: string) {
  return readDocuments([{ file, content: Buffer.from(text) }]);
}

describe('in a folder', () => {
  test.each([
    ['package.json', '{"name": "shop", "version": "1.0.0", "scripts": {}}'],
    ['values.yaml', 'replicas: 2\nimage: {tag: v1}\n'],
    ['Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 0.1.0\n'],
    ['kustomization.yaml', 'resources: [service.yaml]\n'],
    ['kustomization.yaml', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n'],
    ['component.yaml', 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n'],
    ['json-patch.yaml', '- op: replace\n  path: /spec/type\n  value: NodePort\n'],
    ['json-patch.json', '[{"op": "remove", "path": "/spec/type"}]'],
    ['dashboard.json', '{"panels": [{"type": "graph", "title": "{{ pod }}"}], "schemaVersion": 39}'],
    ['notes.yaml', 'just some words'],
    ['empty.yaml', '# nothing yet\n'],
    ['tsconfig.json', '{\n  // with comments\n  "compilerOptions": {},\n}'],
    ['template.yaml', '{{- if .Values.enabled }}\napiVersion: v1\nkind: Service\n{{- end }}\n'],
    ['template.yaml', 'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n'],
    ['template.yaml', 'apiVersion: v1\nkind: Service\nmetadata:\n  name: "{{ .Release.Name }}-web"\nspec: {}\n'],
    ['template.json', '{"apiVersion": "v1", "kind": "Service", "spec":\n  {{ toJson .Values.spec }}\n}'],
    ['template.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIP: "{{ .Values.ip }}"}\n'],
    ['_list.yaml', '{{ range .Values.list }}\n---\nkind: Service\n{{ end }}'],
  ])('%s is passed over and counted: %j', (file, text) => {
    const { count, said, diagnostics } = readFolder({ 'a.yaml': service, [`x/${file}`]: text });
    expect([count, said]).toEqual([1, ['warning foreign-files']]);
    expect(diagnostics[0]?.message).toContain(`passed over 1 file without a Kubernetes object: x/${file}`);
    expect(readFolder({ [file]: text }).said).toEqual(['error no-manifests']);
  });

  test.each([
    ['a value of the wrong type', service.replace('80', 'eighty'), 1, []],
    ['no kind', service.replace('kind: Service\n', ''), 1, []],
    ['no apiVersion', service.replace('apiVersion: v1\n', ''), 1, []],
    ['text that is cut off', service.slice(0, -5), 0, ['error invalid-yaml']],
    ['JSON that is cut off', '{"apiVersion": "v1", "kind": "Service", "metadata": {"name', 0, ['error invalid-json']],
    ['tabs', service.replace('spec', '\tspec'), 0, ['error invalid-yaml']],
    [
      'a table of kubectl',
      'NAME   TYPE        CLUSTER-IP\nweb    ClusterIP   10.96.0.10\n',
      0,
      ['error kubectl-output'],
    ],
    ['braces in a text, and cut off', `${service.slice(0, -5)}\n# {{ x }}`, 0, ['error invalid-yaml']],
  ])('a Service with a mistake is not passed over: %s', (_, text, count, said) => {
    const found = readFolder({ 'a.yaml': service, 'b.yaml': text });
    expect([found.count, found.said]).toEqual([1 + count, said]);
  });

  test.each([
    ['', 'empty-input'],
    [' \n\n', 'empty-input'],
    ['{', 'invalid-json'],
    ['{\n    "api', 'invalid-json'],
    ['[{"name": "a"},', 'invalid-json'],
  ])('what a command that failed left in a file has a warning of its own: %j', (text, code) => {
    const { count, said } = readFolder({ 'a.yaml': service, 'b.json': text, 'c.yaml': 'a: 1' });
    expect([count, said]).toEqual([1, [`warning ${code}`, 'warning foreign-files']]);
    expect(readFolder({ 'b.json': text, 'c.yaml': 'a: 1' }).said).toEqual(['error no-manifests']);
  });

  // What is left of kubectl's apiVersion, items, kind, metadata is valid YAML.
  test.each([
    `apiVersion: v1\nitems:\n- ${service.trim().replaceAll('\n', '\n  ')}\n`,
    'apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Serv',
    'apiVersion: v1\nitems: []\nkind:',
    'apiVersion: v1\nitems:\n',
    'apiVersion: v1\n',
    'apiVersion: v',
  ])('the beginning of a list in YAML is not passed over: %j', (text) => {
    expect(readFolder({ 'a.yaml': service, 'b.yaml': text })).toMatchObject({ count: 2, said: [] });
  });

  test.each(['|', '|-', '>'])('nor is one whose annotation has a template, in a block %s', (style) => {
    const metadata = `metadata:\n    annotations:\n      note: ${style}\n        name: {{ .a }}\n    name: "we`;
    const list = `apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Service\n  ${metadata}`;
    for (const text of [list, list.replaceAll('\n- ', '\n  - ').replaceAll('\n  ', '\n    ')]) {
      const expected = { count: 1, said: ['error invalid-yaml'] };
      expect(readFolder({ 'a.yaml': service, 'b.yaml': text })).toMatchObject(expected);
    }
    // A template that makes a list has its braces in the place of values.
    const template = 'apiVersion: v1\nitems:\n{{- range .all }}\n- apiVersion: v1\n{{- end }}\nkind: List\n';
    expect(readFolder({ 'a.yaml': service, 'b.yaml': template }).said).toEqual(['warning foreign-files']);
  });

  test('neither are bytes that are not text', () => {
    const content = Buffer.from('\ufeffkind: Service\n', 'utf16le');
    const { diagnostics } = readDocuments([{ file: 'a.yaml', content, isFound: true }]);
    expect(diagnostics.map(({ code }) => code)).toEqual(['not-text']);
  });

  test('a long text of blank lines takes no time', () => {
    const blank = '\n'.repeat(2 ** 18);
    expect(readFolder({ 'a.yaml': service, 'b.yaml': `${blank}{` }).said).toEqual(['warning invalid-json']);
    expect(readFolder({ 'a.yaml': `${service}---${blank}{` }).said).toEqual(['error invalid-yaml']);
  });

  test('a document without a kind beside objects is a mistake', () => {
    expect(readFolder({ 'a.yaml': `${service}---\nspec: {}\n` })).toMatchObject({ count: 2, said: [] });
  });

  test('a list without items is a cluster without objects', () => {
    expect(readFolder({ 'a.json': '{"kind": "List", "items": []}', 'b.yaml': 'a: 1' }).said).toEqual([
      'warning foreign-files',
    ]);
  });

  test.each([
    ['patches', 'patches:\n- path: patch.yaml\n  target: {kind: Service}\n- patch: |-\n    - op: remove\n'],
    ['patchesStrategicMerge', 'patchesStrategicMerge: [./patch.yaml]\n'],
    ['patchesJson6902', 'patchesJson6902: [{path: patch.yaml}]\n'],
  ])('a file in %s of a kustomization is part of an object, not one', (_, kustomization) => {
    const files = { 'k/kustomization.yaml': kustomization, 'k/patch.yaml': service, 'k/web.yaml': service };
    const { count, diagnostics } = readFolder(files);
    expect(count).toBe(1);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'passed over 2 files without a Kubernetes object: k/kustomization.yaml, k/patch.yaml; to build a kustomization: kubectl kustomize DIR',
    ]);
    // Not of another folder, and not a file that is named.
    expect(readFolder({ ...files, 'patch.yaml': service }).count).toBe(2);
    expect(readNamed('k/patch.yaml', service).documents).toHaveLength(1);
  });

  test('the names of many files are not all shown, and advice fits what they are', () => {
    const many = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`v${index}.yaml`, 'a: 1']));
    const { diagnostics } = readFolder({ 'web.yaml': service, ...many, 'k/kustomization.yaml': 'kind: Kustomization' });
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'passed over 1,201 files without a Kubernetes object: v0.yaml, v1.yaml, v2.yaml, v3.yaml, v4.yaml, 1,196 more; to build a kustomization: kubectl kustomize DIR',
    ]);
    expect(readFolder({ 'web.yaml': service, 't.yaml': 'a: {{ b }}' }).diagnostics[0]?.message).toMatch(
      /: t\.yaml; render templates first: helm template$/,
    );
  });
});

describe('a file that is named', () => {
  test.each([
    ['a: {{ b }}', 'invalid-yaml', 'render it first: helm template'],
    ['{{ if .a }}\nkind: Service\n{{ end }}', 'invalid-json', 'render it first: helm template'],
    ['kind: Service\nmetadata: {name: "{{ .a }}"}', 'unrendered', 'helm template'],
    [
      'kind: Service\nspec: {ports: [{name: "{{ .a }}", port: 1}]}',
      'unrendered',
      'spec.ports[0].name is that of a template',
    ],
    ['kind: Kustomization\nresources: []', 'unrendered', 'kubectl kustomize DIR'],
    ['resources: [service.yaml]\nnamespace: shop', 'unrendered', 'kubectl kustomize DIR'],
    [
      '{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}',
      'unrendered',
      'kubectl kustomize DIR',
    ],
    ['NAME   TYPE        CLUSTER-IP\nweb    ClusterIP   10.96.0.10', 'kubectl-output', 'add -o json'],
    ['\nNAMESPACE   NAME    TYPE\nshop   web   ClusterIP', 'kubectl-output', 'add -o json'],
    ['NAME                   ADDRESSTYPE   PORTS\nweb-1   IPv4   80', 'kubectl-output', 'add -o json'],
    ['Name:         web\nNamespace:    shop\n', 'kubectl-output', 'kubectl get'],
    ['service/web\nservice/api\n', 'kubectl-output', 'use -o json'],
    ['endpointslice.discovery.k8s.io/web-1', 'kubectl-output', 'use -o json'],
    ['Error from server (Forbidden): services is forbidden', 'kubectl-output', 'check that the command works'],
    ['The connection to the server 10.0.0.1:6443 was refused', 'kubectl-output', 'check that the command works'],
    ['Unable to connect to the server: EOF', 'kubectl-output', 'check that the command works'],
    ['E1129 06:48:10.123456   42 memcache.go:265] "no"', 'kubectl-output', 'check that the command works'],
    ['error: the server doesn\'t have a resource type "x"', 'kubectl-output', 'check that the command works'],
    [
      '{"kind": "List", "items": []}\nError from server (NotFound): x',
      'kubectl-output',
      'check that the command works',
    ],
    ['No resources found in default namespace.', 'kubectl-output', 'check the namespace'],
  ])('%j is an error that says what to do', (text, code, advice) => {
    const { documents, diagnostics } = readNamed('in', text);
    expect(documents).toEqual([]);
    expect(diagnostics.map((found) => found.code)).toEqual([code]);
    expect(diagnostics[0]?.message).toContain(advice);
  });

  test.each([
    [
      'a ConfigMap of templates',
      'apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    {{ define "x" }}\n    b: {{ .c }}\n',
    ],
    [
      'a Service with braces in an annotation',
      'apiVersion: v1\nkind: Service\nmetadata: {name: a, annotations: {a: "{{ b }}"}}\n',
    ],
    ['a Kustomization of Flux', 'apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n'],
    ['a name that begins like a table', 'NAME: x\nkind: Service\n'],
  ])('%s is an object', (_, text) => {
    expect(readNamed('in', text)).toMatchObject({ documents: [{}], diagnostics: [] });
    expect(readFolder({ 'in.yaml': text })).toMatchObject({ count: 1, said: [] });
  });

  test.each([
    ['k/kustomization.yaml', 'namePrefix: a-\nimages: [{name: a, newTag: b}]\n'],
    ['kustomization.yml', 'configMapGenerator: [{name: a, literals: [b=c]}]\n'],
    ['/k/Kustomization', 'namespace: shop\n'],
    ['in.yaml', 'resources: [web.yaml]\n'],
    ['in.yaml', 'apiVersion: kustomize.config.k8s.io/v1beta1\nnamePrefix: a-\n'],
  ])('%s without a kind is a kustomization: %j', (file, text) => {
    const { documents, diagnostics } = readNamed(file, text);
    expect(documents).toEqual([]);
    expect(diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'unrendered: not an object of a cluster; build its objects first: kubectl kustomize DIR',
    ]);
    expect(readFolder({ 'web.yaml': service, [file]: text }).diagnostics[0]?.message).toMatch(
      /; to build a kustomization: kubectl kustomize DIR$/,
    );
  });

  test.each([
    ['kustomization.yaml', 'apiVersion: v1\nmetadata: {name: web}\n'],
    ['kustomization.yaml', '- namePrefix: a\n'],
    ['kustomizations.yaml', 'namePrefix: a\n'],
    ['k/kustomization.yaml', 'apiVersion: kustomize.toolkit.fluxcd.io/v1\nspec: {}\n'],
  ])('%s is not one: %j', (file, text) => {
    expect(readNamed(file, text)).toMatchObject({ documents: [{}], diagnostics: [] });
  });

  test.each([
    [
      'an executable',
      Buffer.concat([Buffer.from('\u007fELF\u0002\u0001\u0001'), Buffer.alloc(9), Buffer.from('code')]),
    ],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
    ['an archive', Buffer.from('504b0304140000000800a1b2c3d4e5f60718', 'hex')],
    ['a PDF', Buffer.from([...Buffer.from('%PDF-1.7\n'), ...Array.from({ length: 2000 }, (_, at) => (at * 89) % 256)])],
  ])('of %s no line is shown', (_, content) => {
    for (const isFound of [false, true]) {
      const { documents, diagnostics } = readDocuments([{ file: 'web.yaml', content, isFound }]);
      expect(documents).toEqual([]);
      expect(diagnostics.map((one) => formatDiagnostic(one, { color: false }))).toEqual([
        'web.yaml: error not-text: the file is binary, not text; manifests are UTF-8 text in YAML or JSON',
      ]);
    }
  });

  const manifest = 'apiVersion: v1\r\nkind: Service\r\nmetadata: {name: web}\r\n';
  const bigEndian = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

  test.each([
    ['little-endian', Buffer.from(manifest, 'utf16le')],
    ['big-endian', bigEndian(manifest)],
    ['with letters of Latin-1', Buffer.from(`# Gr\u00fc\u00dfe\n${manifest}`, 'utf16le')],
    ['with Greek far below', bigEndian(`${manifest.repeat(10)}# \u03b1\u03b2\u03b3\n`)],
    ['cut off in a character', Buffer.from(manifest, 'utf16le').subarray(0, -1)],
    ['of two characters', Buffer.from('{}', 'utf16le')],
  ])('UTF-16 without a byte order mark is told as such: %s', (_, content) => {
    const { documents, diagnostics } = readDocuments([{ file: 'web.yaml', content }]);
    expect(documents).toEqual([]);
    expect(diagnostics.map((one) => formatDiagnostic(one, { color: false }))).toEqual([
      'web.yaml: error not-text: the file is UTF-16; save it as UTF-8',
    ]);
  });

  test.each([
    ['only NUL bytes', Buffer.alloc(600)],
    ['16-bit numbers', Buffer.from(Array.from({ length: 600 }, (_, index) => (index % 2 === 0 ? index % 7 : 0)))],
    ['32-bit characters', Buffer.from([...manifest].flatMap((character) => [character.charCodeAt(0), 0, 0, 0]))],
  ])('but not %s', (_, content) => {
    expect(readDocuments([{ file: 'web.yaml', content }]).diagnostics).toMatchObject([
      { message: 'the file is binary, not text; manifests are UTF-8 text in YAML or JSON' },
    ]);
  });

  test.each([
    ['Latin-1', Buffer.from('# Gr\u00fc\u00dfe\nkind: List\n', 'latin1')],
    ['Greek', Buffer.from('# \u00e1\u00e2\u00e3\u00e4 \u00e5\u00e6\u00e7\n', 'latin1')],
    ['with one NUL', Buffer.from('kind: List\u0000\n')],
  ])('of text the place is shown: %s', (_, content) => {
    const { diagnostics } = readDocuments([{ file: 'web.yaml', content }]);
    expect(formatDiagnostic(diagnostics[0] as Diagnostic, { color: false })).toMatch(
      /^web\.yaml:1:\d+: error not-text: not a text/,
    );
  });

  test('a long error is quoted in part', () => {
    const { diagnostics } = readNamed('in', `Error from server: ${'x'.repeat(5000)}`);
    expect(diagnostics[0]?.message.length).toBeLessThan(350);
  });
});
