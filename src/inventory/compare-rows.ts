import { compareText } from '../compare-text.ts';
import type { FrontendRow, FrontendType } from './frontend-row.ts';

const typeOrder: Readonly<Record<FrontendType, number>> = {
  ClusterIP: 0,
  LoadBalancer: 1,
  ExternalIP: 2,
  External: 3,
  NodePort: 4,
};

/** Orders rows by namespace, Service, port name, protocol, family, type and frontend. */
export function compareRows(a: FrontendRow, b: FrontendRow): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.service, b.service) ||
    compareText(a.portName ?? '', b.portName ?? '') ||
    compareText(a.protocol ?? '', b.protocol ?? '') ||
    compareText(a.family ?? '', b.family ?? '') ||
    rankOf(a) - rankOf(b) ||
    compareText(a.frontend ?? '', b.frontend ?? '')
  );
}

function rankOf({ type }: FrontendRow): number {
  return type === null ? 0 : typeOrder[type];
}
