import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type ConfigFields,
  kubeProxyFields,
  unusedGates,
  type ValueField,
} from '../../src/config/kube-proxy-fields.ts';
import { currentManual } from '../cli/manual/current-manual.ts';

/** From staging/src/k8s.io/kube-proxy/config/v1alpha1/types.go of Kubernetes 1.37, and what it imports. */
const fieldsOfRelease = readFileSync(join(import.meta.dirname, 'fields-1.37.txt'), 'utf8')
  .trim()
  .split('\n');

/** Those of older releases. */
const olderFields = ['conntrack.max', 'udpIdleTimeout', 'resourceContainer'];

function leavesOf(fields: ConfigFields, path: readonly string[] = []): [string, ValueField][] {
  return Object.entries(fields).flatMap(([key, field]) =>
    'fields' in field ? leavesOf(field.fields, [...path, key]) : [[[...path, key].join('.'), field]],
  );
}

const fields = new Map(leavesOf(kubeProxyFields));
const page = readFileSync('docs/configuration.md', 'utf8');

/** The rows of a table: what the first column names, with all of the row. */
function rowsBelow(heading: string): [string, string][] {
  const section = page.slice(page.indexOf(heading)).split(/^## /m)[heading.startsWith('## ') ? 1 : 0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, row] as [string, string]),
  );
}

test('every field of KubeProxyConfiguration is known', () => {
  expect([...fields.keys()].sort()).toEqual([...fieldsOfRelease, ...olderFields].sort());
});

describe('the page on configuration', () => {
  const rows = rowsBelow('# Configuration');

  test('has each field once', () => {
    expect(rows.map(([name]) => name).sort()).toEqual([...fields.keys()].sort());
  });

  test('says what a field does, or why it does nothing, in the words of the warning', () => {
    const wrong = rows.filter(([name, row]) => {
      const why = fields.get(name)?.unused?.why;
      return why === undefined ? row.includes('| none: ') : !row.includes(`| none: ${why}`);
    });
    expect(wrong).toEqual([]);
  });

  test('has each gate once, with the words of the warning', () => {
    const gates = rowsBelow('## Feature gates').filter(([, row]) => row.includes('| none: '));
    expect(gates.map(([name]) => name).sort()).toEqual(Object.keys(unusedGates).sort());
    expect(gates.filter(([name, row]) => !row.includes(`| none: ${unusedGates[name]?.why} |`))).toEqual([]);
  });

  test('names flags that the agent has', () => {
    const { options = [] } = currentManual.commands.find(({ name }) => name === 'agent') ?? {};
    const flags = options.flatMap((option) => option.flags.match(/--[a-z-]+/g) ?? []);
    const named = new Set(page.match(/`--[a-z-]+/g)?.map((flag) => flag.slice(1)));
    expect([...named].filter((flag) => !flags.includes(flag))).toEqual([]);
  });
});
