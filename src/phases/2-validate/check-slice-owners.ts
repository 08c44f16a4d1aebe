import { collectAll } from '../../collect-all.ts';
import { describeValue } from '../../describe-value.ts';
import type { Diagnostic } from '../../diagnostics.ts';
import { getNamespaced, type Namespaced } from '../../namespaced.ts';
import { namespaceOf, ownerLabel } from '../../service-rules.ts';
import type { EndpointSlice, Sourced } from './kubernetes.ts';
import { toDiagnostic } from './report.ts';

const nothing: readonly Diagnostic[] = [];

/**
 * A warning for each slice whose endpoints reach nobody: its Service is not in the input, or its label is missing.
 *
 * @param services every Service of the input, invalid ones included.
 */
export function checkSliceOwners(slices: readonly Sourced<EndpointSlice>[], services: Namespaced<true>): Diagnostic[] {
  return collectAll(slices, (slice) => {
    const { metadata } = slice.object;
    const owner = metadata.labels?.[ownerLabel];
    if (!owner) {
      return [
        describe(slice, ['metadata'], `it has no label ${ownerLabel}, so it belongs to no Service and is ignored`),
      ];
    }
    if (getNamespaced(services, namespaceOf(metadata), owner)) {
      return nothing;
    }
    const message = `it belongs to Service ${describeValue(owner)}, which is not in the input; it is ignored`;
    return [describe(slice, ['metadata', 'labels', ownerLabel], message)];
  });
}

function describe({ document }: Sourced<EndpointSlice>, path: readonly string[], message: string): Diagnostic {
  return toDiagnostic({ code: 'slice-without-service', path, message }, document);
}
