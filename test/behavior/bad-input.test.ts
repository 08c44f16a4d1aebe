import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadInput } from '../../src/cli/input/load-files.ts';
import { compile } from '../../src/compile.ts';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';
import { resolveObjects } from '../../src/control-plane/resolve-objects.ts';
import { diagnosticCodes, severityOf } from '../../src/diagnostics/diagnostic.ts';
import type { Document } from '../../src/diagnostics/document.ts';
import { formatDiagnostic } from '../../src/diagnostics/format-diagnostic.ts';
import { isMapping } from '../../src/lib/unknown-values.ts';
import type { CompileOptions } from '../../src/options.ts';
import { documentsOf, readDocuments } from '../../src/phases/1-read/read-documents.ts';

/**
 * Each folder of fixtures/bad is called CODE or CODE--VARIANT and holds an input that gets that diagnostic:
 * snapshot.yaml or snapshot.json, or what paths.yaml lists; config.yaml, a KubeProxyConfiguration; options.yaml,
 * CompileOptions in place of the ordinary node below; resolve.yaml, how many Nodes `resolve` makes before the rest is done.
 * expected.txt is what the user sees.
 */
const root = join(import.meta.dirname, '../../fixtures/bad');
const names = readdirSync(root).sort();
const codes = Object.keys(diagnosticCodes).sort();

const ordinaryNode: Partial<CompileOptions> = {
  nodeName: 'worker-1',
  nodeAddresses: ['192.0.2.11', '2001:db8::11'],
  clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
};

describe('bad input', () => {
  test.each(names)('%s', async (name) => {
    const folder = join(root, name);
    const { diagnostics, text } = await run(folder);
    const shown = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, { color: false })).join('\n');
    await expect(`${shown.replaceAll(`${folder}/`, '')}\n`).toMatchFileSnapshot(join(folder, 'expected.txt'));
    expect(diagnostics.map(({ code }) => code)).toContain(name.replace(/--.*/, ''));
    const hasErrors = diagnostics.some((diagnostic) => severityOf(diagnostic) === 'error');
    expect(text === undefined).toBe(hasErrors);
  });

  test('every code has a fixture and every fixture a code', () => {
    expect([...new Set(names.map((name) => name.replace(/--.*/, '')))].sort()).toEqual(codes);
  });

  test('every code has a row in docs/diagnostics.md and every row a code', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/diagnostics.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \| (error|warning|note) \|/gm)];
    expect(rows.map(([, code]) => code).sort()).toEqual(codes);
    expect(Object.fromEntries(rows.map(([, code, severity]) => [code, severity]))).toEqual(diagnosticCodes);
  });
});

async function run(folder: string) {
  const config = readConfig(folder);
  const loaded = await loadInput(pathsOf(folder), Readable.from([]));
  const read = readDocuments(loaded.texts);
  const resolved = resolve(folder, read.documents);
  const result = compile(resolved.documents, { ...optionsOf(folder), ...config.options });
  const before = [...config.diagnostics, ...loaded.diagnostics, ...read.diagnostics, ...resolved.diagnostics];
  const refused = before.some((diagnostic) => severityOf(diagnostic) === 'error');
  return { diagnostics: [...before, ...result.diagnostics], text: refused ? undefined : result.text };
}

function resolve(folder: string, documents: readonly Document[]) {
  const options = readYaml(folder, 'resolve.yaml');
  if (!isMapping(options)) {
    return { documents, diagnostics: [] };
  }
  const { objects, diagnostics } = resolveObjects(documents, {
    serviceCIDRs: [{ family: 'ip', address: '10.96.0.0', prefix: 12 }],
    podCIDRs: [{ family: 'ip', address: '10.244.0.0', prefix: 16 }],
    loadBalancerCIDRs: [],
    nodes: Number(options['nodes']),
  });
  return { documents: documentsOf(objects), diagnostics };
}

function pathsOf(folder: string): string[] {
  const listed =
    readYaml(folder, 'paths.yaml') ??
    ['snapshot.yaml', 'snapshot.json'].filter((name) => existsSync(join(folder, name)));
  const paths = Array.isArray(listed) ? listed.map(String) : [];
  const given = paths.map((path) => (isAbsolute(path) ? path : join(folder, path)));
  // For fixtures about the configuration alone.
  return given.length > 0
    ? given
    : [join(import.meta.dirname, '../../fixtures/services/empty-cluster-has-no-rules-for-anything/snapshot.yaml')];
}

function optionsOf(folder: string): Partial<CompileOptions> {
  const options = readYaml(folder, 'options.yaml');
  return typeof options === 'object' && options !== null ? options : ordinaryNode;
}

function readConfig(folder: string) {
  const file = join(folder, 'config.yaml');
  return existsSync(file)
    ? readKubeProxyConfig({ file, content: readFileSync(file) })
    : { options: {}, diagnostics: [] };
}

function readYaml(folder: string, name: string): unknown {
  const path = join(folder, name);
  return existsSync(path) ? parse(readFileSync(path, 'utf8')) : undefined;
}
