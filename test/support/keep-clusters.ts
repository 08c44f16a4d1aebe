import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Manifest } from './arbitrary-cluster.ts';

/**
 * Writes the clusters in what a random test failed with as fixtures without packets, where FIXTURE is in the environment:
 * the first to `fixtures/FIXTURE/snapshot.yaml`, the second of a transition to `fixtures/FIXTURE-2/snapshot.yaml`.
 */
export function keepClusters(failedWith: unknown): void {
  const fixture = process.env['FIXTURE'];
  if (fixture === undefined) {
    return;
  }
  for (const [index, cluster] of findClusters(failedWith).entries()) {
    const name = index === 0 ? fixture : `${fixture}-${index + 1}`;
    const folder = fileURLToPath(new URL(`../../fixtures/${name}/`, import.meta.url));
    if (existsSync(`${folder}packets.yaml`)) {
      throw new Error(`fixtures/${name} has packets already; choose another name`);
    }
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}snapshot.yaml`, snapshotOf(cluster));
  }
}

/** Kubernetes objects as a file of YAML documents. */
export function snapshotOf(cluster: readonly Manifest[]): string {
  return cluster.map((object) => stringify(object)).join('---\n');
}

/** All lists of Kubernetes objects inside a value, in its order. */
export function findClusters(value: unknown): (readonly Manifest[])[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  if (Array.isArray(value) && value.length > 0 && value.every(isManifest)) {
    return [value];
  }
  return Object.values(value).flatMap(findClusters);
}

function isManifest(value: unknown): value is Manifest {
  return typeof value === 'object' && value !== null && 'apiVersion' in value && 'kind' in value;
}
