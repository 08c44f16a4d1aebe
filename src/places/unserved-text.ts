import type { UnservedReason } from './read-service-notes.ts';

const texts: Readonly<Record<UnservedReason, string>> = {
  ExternalName: 'it is of type ExternalName, which is an alias in DNS alone',
  headless: 'it is headless (clusterIP None), so DNS gives the addresses of its pods',
  'no cluster IP': 'it has no clusterIP (the API server gives it one)',
  'other proxy': 'its label service.kubernetes.io/service-proxy-name leaves it to another proxy',
  'no ports': 'it has no ports',
  'left out': 'it has errors and was left out',
};

/** Why no node translates a Service, as a clause. */
export function unservedText(reason: UnservedReason): string {
  return texts[reason];
}
