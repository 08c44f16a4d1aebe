import { type ResolveOptions, resolveObjects } from '../../control-plane/resolve-objects.ts';
import { type Diagnostic, severityOf } from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import { isMapping, mappingIn, textIn } from '../../lib/unknown-values.ts';
import { documentsOf } from '../../phases/1-read/read-documents.ts';

/** What a control plane makes of the objects of an input. */
export interface ResolvedInput {
  /** Those of the input that an API server accepts, and what was added. */
  readonly documents: Document[];
  readonly diagnostics: readonly Diagnostic[];
  /** Of the first Node, which rules are for unless the command line names another; undefined without Nodes. */
  readonly nodeName: string | undefined;
}

/** Resolves documents. Objects of the input keep their places in their files. */
export function resolveDocuments(documents: readonly Document[], options: ResolveOptions): ResolvedInput {
  const { objects, diagnostics } = resolveObjects(documents, options);
  const given = documents.filter(({ value }) => isMapping(value));
  const others = documents.filter(({ value }) => !isMapping(value));
  const errors = diagnostics.filter((one) => severityOf(one) === 'error');
  const refused = new Set(errors.map(({ place }) => place?.document));
  const completed = given.flatMap((document, index) =>
    refused.has(document) ? [] : [{ ...document, value: objects[index] }],
  );
  const node = objects.find(({ kind }) => kind === 'Node');
  return {
    documents: [...completed, ...others, ...documentsOf(objects.slice(given.length))],
    diagnostics,
    nodeName: node && textIn(mappingIn(node, 'metadata'), 'name'),
  };
}
