import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/format-diagnostic.ts';
import {
  continuationOf,
  findBadAnswer,
  findMissingKinds,
  isAbridged,
  needsSlices,
} from '../../src/kubernetes/completeness.ts';
import { documentsOf, readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { validate } from '../../src/phases/2-validate/validate.ts';

const anyList = { kind: 'ServiceList', apiVersion: 'v1', items: [] };

describe('a list', () => {
  test.each([
    [{ ...anyList, metadata: { continue: 'abc' } }, 'continue'],
    [{ ...anyList, metadata: { continue: '', remainingItemCount: 3 } }, 'remainingItemCount'],
    [{ ...anyList, metadata: { continue: 'abc', remainingItemCount: 812 } }, 'continue'],
    [{ kind: 'List', metadata: { continue: 'abc' }, items: [] }, 'continue'],
    [{ kind: 'PodList', metadata: { continue: 'abc' } }, 'continue'],
    [{ ...anyList, metadata: { continue: '', resourceVersion: '7' } }, undefined],
    [{ ...anyList, metadata: { remainingItemCount: 0 } }, undefined],
    [{ ...anyList, metadata: { continue: null } }, undefined],
    [{ ...anyList, metadata: 'abc' }, undefined],
    [anyList, undefined],
    [{ kind: 'Service', metadata: { continue: 'abc' } }, undefined],
    ['ServiceList', undefined],
    [null, undefined],
  ])('says whether it is whole: %j', (value, field) => {
    expect(continuationOf(value)).toBe(field);
  });

  test('that is not whole keeps its items, and is reported at the field, however deep it is', () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { clusterIP: 'None' } };
    const page = { kind: 'ServiceList', apiVersion: 'v1', metadata: { continue: 'abc' }, items: [service] };
    const content = Buffer.from(JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [page] }, null, 1));
    const { documents } = readDocuments([{ file: 'page.json', content }]);
    const { snapshot, diagnostics } = validate(documents);
    expect(snapshot.services.map(({ object }) => object.metadata.name)).toEqual(['a']);
    expect(diagnostics.map((one) => formatDiagnostic(one, { color: false }).split(':').slice(0, 3).join(':'))).toEqual([
      'page.json:9:17',
    ]);
  });
});

describe('an answer without objects', () => {
  test.each<[string, object, string | undefined]>([
    ['an error', { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'no' }, 'api-error'],
    ['an error without a version', { kind: 'Status', code: 500 }, 'api-error'],
    ['an error without any text', { kind: 'Status', apiVersion: 'v1', metadata: {} }, 'api-error'],
    ['an error with odd values', { kind: 'Status', message: { a: 1 }, reason: 7, code: 'x' }, 'api-error'],
    ['a success', { kind: 'Status', apiVersion: 'v1', status: 'Success' }, undefined],
    ['a Status of another group', { kind: 'Status', apiVersion: 'example.com/v1', status: 'Failure' }, undefined],
    ['a table', { kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: [] }, 'abridged-objects'],
    ['an old table', { kind: 'Table', apiVersion: 'meta.k8s.io/v1beta1' }, 'abridged-objects'],
    ['a Table of another group', { kind: 'Table', apiVersion: 'bigquery.example.com/v1' }, undefined],
    ['metadata', { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' }, 'abridged-objects'],
    ['a list of metadata', { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' }, 'abridged-objects'],
    ['a Service', { kind: 'Service', apiVersion: 'v1', status: 'Failure' }, undefined],
    ['a list without items', { kind: 'List', apiVersion: 'v1' }, 'incomplete-list'],
    ['a list of Services without items', { kind: 'ServiceList', metadata: {} }, 'incomplete-list'],
    ['null as items', { kind: 'EndpointSliceList', items: null }, 'incomplete-list'],
    ['items that are undefined', { kind: 'NodeList', items: undefined }, 'incomplete-list'],
    ['an empty list', { kind: 'ServiceCIDRList', items: [] }, undefined],
    ['a list that rules do not depend on', { kind: 'PodList', items: null }, undefined],
    ['an object whose kind ends in List', { kind: 'AllowList', metadata: { name: 'a' } }, undefined],
  ])('is recognized: %s', (_, value, code) => {
    expect(findBadAnswer(value)?.code).toBe(code);
    expect(isAbridged(value)).toBe(code === 'abridged-objects');
  });

  test('is not quoted without end', () => {
    const { message = '' } = findBadAnswer({ kind: 'Status', message: 'x'.repeat(5_000) }) ?? {};
    expect(message.length).toBeLessThan(600);
  });

  test('is reported once, with the number of times', () => {
    const metadata = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } };
    const { diagnostics, lacking } = validate(documentsOf(Array.from({ length: 1_200 }, () => metadata)));
    expect(diagnostics.map(({ message }) => message)).toEqual([expect.stringMatching(/ \(1,200 times\)$/)]);
    expect(lacking).toEqual([]);
  });
});

describe('what is missing', () => {
  const none = { services: 0, otherServices: 0, endpointSlices: 0, isRelated: false, endpoints: 0 };
  test.each<[Partial<typeof none>, string | undefined]>([
    [{}, undefined],
    [{ services: 2, endpointSlices: 3, isRelated: true }, undefined],
    [{ otherServices: 2 }, undefined],
    [{ otherServices: 2, endpointSlices: 2 }, undefined],
    [{ services: 1 }, 'the input has 1 Service but no EndpointSlice, so no Service has endpoints'],
    [{ services: 1200, otherServices: 1 }, 'the input has 1,200 Services but no EndpointSlice'],
    [{ services: 2, endpointSlices: 1 }, 'the input has 2 Services and 1 EndpointSlice, but none of these belongs'],
    [{ endpointSlices: 1 }, 'the input has 1 EndpointSlice but no Service, so nothing is served'],
    [{ services: 2, endpoints: 12 }, 'the input has 12 v1 Endpoints, which are not read, and no EndpointSlice'],
    [{ endpoints: 12 }, 'the input has 12 v1 Endpoints, which are not read, and no EndpointSlice'],
    [{ services: 2, endpointSlices: 2, isRelated: true, endpoints: 12 }, undefined],
  ])('%j', (counts, message) => {
    const [found, ...others] = findMissingKinds({ ...none, ...counts });
    expect(found?.message.slice(0, message?.length ?? 0)).toBe(message);
    expect(others).toEqual([]);
  });

  test.each([{}, { clusterIP: '' }, { clusterIP: null }, { selector: { app: 'a' } }, { type: 'LoadBalancer' }])(
    'nor for a Service that was never in a cluster: %j',
    (spec) => {
      expect(needsSlices({ spec })).toBe(false);
      expect(needsSlices({ spec: { ...spec, clusterIP: 'nonsense' } })).toBe(true);
    },
  );

  test('no EndpointSlices are needed for headless Services and aliases', () => {
    expect(needsSlices({ spec: { clusterIP: 'None' } })).toBe(false);
    expect(needsSlices({ spec: { type: 'ExternalName' } })).toBe(false);
    expect(needsSlices({ spec: { clusterIP: '10.96.0.1' } })).toBe(true);
  });
});
