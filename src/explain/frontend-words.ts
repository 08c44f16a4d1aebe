import type { FrontendMatch } from './find-frontends.ts';

const words: Readonly<Record<FrontendMatch['kind'], string>> = {
  clusterIP: 'the clusterIP',
  externalIP: 'an externalIP',
  'load balancer IP': 'a load balancer IP',
  'node port': 'a node port',
};

/** A kind of frontend with its article; `a frontend` where only the rules are known. */
export function frontendWords(kind: FrontendMatch['kind'] | undefined): string {
  return kind === undefined ? 'a frontend' : words[kind];
}
