import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { allocateServices } from '../../src/control-plane/allocate-services.ts';
import { completeService, type FamilyName } from '../../src/control-plane/complete-service.ts';
import { resolveObjects } from '../../src/control-plane/resolve-objects.ts';
import { severityOf } from '../../src/diagnostics/diagnostic.ts';
import { isMapping, listIn, type Mapping, mappingIn } from '../../src/lib/unknown-values.ts';
import { type Cidr, parseCidr } from '../../src/net/address.ts';
import { documentsOf, readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { validate } from '../../src/phases/2-validate/validate.ts';
import { withoutAllocated } from '../support/comparable-services.ts';

/* What an API server 1.37 made of manifests, and which ones it refused: test/control-plane/api-server. */

const folder = 'test/control-plane/api-server';
const read = <T>(name: string): T => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as T;

const file = `${folder}/manifests.yaml`;
const manifests = readDocuments([{ file, content: readFileSync(file) }]).documents.flatMap(({ value }) =>
  isMapping(value) ? [value] : [],
);

interface Accepted {
  readonly name: string;
  readonly spec: Mapping;
}

describe.each<[string, readonly FamilyName[], readonly string[]]>([
  ['accepted.json', ['IPv4', 'IPv6'], ['10.96.0.0/12', 'fd00:10:96::/112']],
  ['accepted-single-stack.json', ['IPv4'], ['10.96.0.0/12']],
])('the fields of Services are those of the API server: %s', (name, families, ranges) => {
  const accepted = read<Accepted[]>(name);
  const byName = new Map(manifests.map((object) => [String(mappingIn(object, 'metadata')['name']), object]));
  const serviceCIDRs = ranges.map((text) => parseCidr(text) as Cidr);

  test.each(accepted)('$name', ({ name: service, spec }) => {
    const manifest = byName.get(service) ?? {};
    const [resolved] = allocateServices([completeService(manifest, families)], {
      serviceCIDRs,
      loadBalancerCIDRs: [],
      nodePorts: [30_000, 32_767],
    });
    const written = mappingIn(manifest, 'spec');
    const own = JSON.parse(JSON.stringify(resolved?.service)) as Mapping;
    expect(resolved?.problems).toEqual([]);
    expect(withoutAllocated(mappingIn(own, 'spec'), written)).toEqual(withoutAllocated(spec, written));
  });
});

interface Decision {
  readonly title: string;
  readonly accepted: boolean;
  readonly answer?: string;
  readonly object: Mapping;
}

const ranges = ['10.96.0.0/12', 'fd00:10:96::/108'].map((text) => parseCidr(text) as Cidr);
const options = { serviceCIDRs: ranges, loadBalancerCIDRs: [], podCIDRs: [], nodes: 0 };

/** The errors of `resolve` about objects. */
function errorsOf(objects: readonly Mapping[]): string[] {
  const documents = documentsOf(objects);
  return [...validate(documents).diagnostics, ...resolveObjects(documents, options).diagnostics]
    .filter((one) => severityOf(one) === 'error')
    .map(({ message }) => message);
}

const completed = read<Accepted[]>('accepted.json').map(({ name, spec }) => ({
  name,
  service: { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec },
}));

describe('Services are refused that the API server refuses', () => {
  test.each(read<Decision[]>('services.json'))('$title', ({ accepted, answer, object }) => {
    // Beside those that the server had accepted before.
    const others = completed.filter(({ name }) => name !== mappingIn(object, 'metadata')['name']);
    const problems = errorsOf([...others.map(({ service }) => service), object]);
    expect({ accepted: problems.length === 0, answer, problems }).toEqual({ accepted, answer, problems });
  });
});

interface SliceDecision extends Decision {
  /** The first item of a list is there as often; ports have names of their own. */
  readonly repeat?: { readonly list: 'endpoints' | 'addresses' | 'ports'; readonly count: number };
}

function repeated({ object, repeat }: SliceDecision): Mapping {
  const list = repeat?.list;
  const [first = {}] = listIn(object, list === 'ports' ? 'ports' : 'endpoints').filter(isMapping);
  const many = <T>(make: (index: number) => T): T[] =>
    Array.from({ length: repeat?.count ?? 0 }, (_, index) => make(index));
  switch (list) {
    case 'endpoints':
      return { ...object, endpoints: many(() => first) };
    case 'addresses':
      return { ...object, endpoints: [{ ...first, addresses: many(() => listIn(first, 'addresses')[0]) }] };
    case 'ports':
      return { ...object, ports: many((index) => ({ ...first, name: `p${index}` })) };
    default:
      return object;
  }
}

/** What only `resolve` refuses: nothing writes it on purpose, and rules cannot be made of it. */
const refusedHereAlone: ReadonlySet<string> = new Set(['port null', 'hint for a zone without a name']);

describe('EndpointSlices are refused that the API server refuses', () => {
  test.each(read<SliceDecision[]>('slices.json'))('$title', (decision) => {
    const { title, answer } = decision;
    const accepted = decision.accepted && !refusedHereAlone.has(title);
    const problems = errorsOf([repeated(decision)]);
    expect({ accepted: problems.length === 0, answer, problems }).toEqual({ accepted, answer, problems });
  });
});
