import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { resolveObjects } from '../../src/control-plane/resolve-objects.ts';
import { type Cidr, parseCidr } from '../../src/net/address.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { listFixtures, loadFixture } from '../support/fixture.ts';

/* A fixture may have manifests.yaml, of which its snapshot.yaml is what `resolve` makes. Its packets say what that means. */

const cidrs = (...texts: readonly string[]): Cidr[] => texts.map((text) => parseCidr(text) as Cidr);

const options = {
  serviceCIDRs: cidrs('10.96.0.0/12', 'fd00:10:96::/112'),
  podCIDRs: cidrs('10.244.0.0/16', 'fd00:10:244::/48'),
  loadBalancerCIDRs: cidrs('198.51.100.0/24', '2001:db8:b::/64'),
  nodes: 3,
};

const folders = listFixtures()
  .map((name) => loadFixture(name).folder)
  .filter((folder) => existsSync(`${folder}/manifests.yaml`));

describe('the snapshot of a fixture is what becomes of its manifests', () => {
  test('there are such fixtures', () => {
    expect(folders.length).toBeGreaterThan(0);
  });

  test.each(folders)('%s', (folder) => {
    const file = `${folder}/manifests.yaml`;
    const { documents } = readDocuments([{ file, content: readFileSync(file) }]);
    const { items } = parse(readFileSync(`${folder}/snapshot.yaml`, 'utf8')) as { items: readonly unknown[] };
    expect(resolveObjects(documents, options).objects).toEqual(items);
  });
});
