import { expect, test } from 'vitest';
import { linesBetween, type ServiceFields, type Side, service } from './shop.ts';

/** A change and what is said of it. */
export interface Change {
  readonly name: string;
  readonly before: Side | undefined;
  readonly after: Side | undefined;
  readonly lines: readonly string[];
}

/** A test for each change: what is said of it, and that nothing is said where nothing changes. */
export function testChanges(changes: readonly Change[]): void {
  test.each(changes)('$name', ({ before, after, lines }) => {
    expect(linesBetween(before, after)).toEqual(lines);
    expect(linesBetween(before, before)).toEqual([]);
    expect(linesBetween(after, after)).toEqual([]);
  });
}

/** A cluster of one Service, shop/cart. */
export function cart(endpoints: readonly string[], fields: ServiceFields = {}): Side {
  return { services: [service('cart', endpoints, fields)] };
}

/** spec for ClientIP affinity. */
export function affinity(seconds: number): object {
  return { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: seconds } } };
}

/** Endpoints on the node and elsewhere. */
export const two: readonly string[] = ['1.10', '2.20'];
export const three: readonly string[] = [...two, '3.30'];

/** Parts of Services. */
export const nodePort: object = { nodePort: 30080 };
export const external: object = { externalIPs: ['198.19.0.5'] };
export const balancer: ServiceFields = { ingress: ['198.18.0.10', '198.18.0.11'] };
export const externalLocal: object = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
export const internalLocal: object = { internalTrafficPolicy: 'Local' };
