import type { Diagnostic } from '../../diagnostics.ts';
import type { Document } from '../1-read/document.ts';
import { classify, type UsedKind } from './classify.ts';
import { keepValid } from './keep-valid.ts';
import type { EndpointSlice, Node, Service, ServiceCIDR, Sourced } from './kubernetes.ts';
import { toDiagnostic } from './report.ts';
import { endpointSliceRules, nodeRules, serviceCIDRRules, serviceRules } from './rules-by-kind.ts';
import { isRead } from './validate.ts';

/** A valid object of a kind that decides about packets. */
export type ValidObject =
  | { readonly kind: 'Service'; readonly sourced: Sourced<Service> }
  | { readonly kind: 'EndpointSlice'; readonly sourced: Sourced<EndpointSlice> }
  | { readonly kind: 'Node'; readonly sourced: Sourced<Node> }
  | { readonly kind: 'ServiceCIDR'; readonly sourced: Sourced<ServiceCIDR> };

/** What one object is worth. */
export interface Validated {
  /** Absent when the object is invalid, or nobody reads it. */
  readonly valid: ValidObject | undefined;
  /** Whether it is of another API group or kind, so that it says nothing about any object of ours. */
  readonly isUnused: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Checks one object by itself. What takes several objects to see (duplicates, slices without a Service) is not looked
 * at.
 */
export function validateObject(document: Document): Validated {
  const classified = classify(document.value);
  if (classified.is === 'wrong') {
    return { valid: undefined, isUnused: false, diagnostics: [toDiagnostic(classified.finding, document)] };
  }
  if (classified.is === 'unused') {
    return { valid: undefined, isUnused: true, diagnostics: [] };
  }
  return { ...validateKind(classified.kind, document), isUnused: false };
}

function validateKind(kind: UsedKind, document: Document): Omit<Validated, 'isUnused'> {
  switch (kind) {
    case 'Service': {
      const { valid, diagnostics } = keepValid([document], serviceRules);
      return { valid: valid[0] && { kind: 'Service', sourced: valid[0] }, diagnostics };
    }
    case 'EndpointSlice': {
      if (!isRead(document)) {
        return { valid: undefined, diagnostics: [] };
      }
      const { valid, diagnostics } = keepValid([document], endpointSliceRules);
      return { valid: valid[0] && { kind: 'EndpointSlice', sourced: valid[0] }, diagnostics };
    }
    case 'Node': {
      const { valid, diagnostics } = keepValid([document], nodeRules);
      return { valid: valid[0] && { kind: 'Node', sourced: valid[0] }, diagnostics };
    }
    case 'ServiceCIDR': {
      const { valid, diagnostics } = keepValid([document], serviceCIDRRules);
      return { valid: valid[0] && { kind: 'ServiceCIDR', sourced: valid[0] }, diagnostics };
    }
  }
}
