import { readFileSync } from 'node:fs';
import { notesOf } from '../../../src/cli/input/load-cluster.ts';
import { type CompiledRulesets, compileRulesets } from '../../../src/compile.ts';
import type { Document } from '../../../src/diagnostics/document.ts';
import type { EndpointRow, FrontendRow, Inventory } from '../../../src/inspect/list/inventory.ts';
import { listFrontends } from '../../../src/inspect/list/list-frontends.ts';
import { listUnserved } from '../../../src/inspect/list/list-unserved.ts';
import { readEndpointSources } from '../../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { type Fixture, loadFixture } from '../../support/fixture.ts';

/** What a snapshot compiles to, and its inventory. */
export interface TakenInventory extends Inventory {
  readonly rulesets: NonNullable<CompiledRulesets['rulesets']>;
  readonly views: CompiledRulesets['views'];
}

/** The inventory of documents, as `svc2nft list -o json` takes it. */
export function takeDocuments(documents: readonly Document[], options: Partial<CompileOptions>): TakenInventory {
  const { views, rulesets, diagnostics } = compileRulesets(documents, options);
  if (!rulesets) {
    throw new Error(diagnostics[0]?.message);
  }
  const unserved = listUnserved(notesOf({ documents, diagnostics }), views);
  const knowledge = { locations: readLocations(documents), endpointSources: () => readEndpointSources(documents) };
  return { ...listFrontends(rulesets, { views, unserved, ...knowledge }), rulesets, views };
}

/** The inventory of a fixture. */
export function takeFixture(name: string): TakenInventory & Fixture {
  const fixture = loadFixture(name);
  const file = `${fixture.folder}/snapshot.yaml`;
  const { documents } = readDocuments([{ file, content: readFileSync(fixture.snapshotFile) }]);
  return { ...fixture, ...takeDocuments(documents, fixture.options) };
}

/** The endpoints that some clients use, `10.1.2.3:8080`. */
export function usedBy(row: FrontendRow, ...users: readonly EndpointRow['usedBy'][]): string[] {
  return row.endpoints.filter((endpoint) => users.includes(endpoint.usedBy)).map(({ endpoint }) => endpoint);
}
