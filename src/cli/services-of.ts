import { severityOf } from '../diagnostics.ts';
import { classify } from '../phases/2-validate/classify.ts';
import type { Service } from '../phases/2-validate/kubernetes.ts';
import type { Cluster } from './load-cluster.ts';

/** The valid Services of a compiled snapshot, whether rules come of them or not, in the order of the documents. */
export function servicesOf({ documents, diagnostics }: Pick<Cluster, 'documents' | 'diagnostics'>): Service[] {
  const refused = new Set(
    diagnostics.flatMap((diagnostic) => (severityOf(diagnostic) === 'error' ? (diagnostic.place?.document ?? []) : [])),
  );
  return documents.flatMap((document) => {
    const classified = classify(document.value);
    const isService = classified.is === 'used' && classified.kind === 'Service';
    // Where validation has found no error, the value is one.
    return isService && !refused.has(document) ? (document.value as Service) : [];
  });
}
