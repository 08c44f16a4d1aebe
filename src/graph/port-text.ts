import type { GraphServicePort } from './graph.ts';

/** `80/tcp`, and `80/tcp over IPv6`, by which the two families of a Service are told apart. */
export function portText({ port, protocol, family }: Pick<GraphServicePort, 'port' | 'protocol' | 'family'>): string {
  return `${port}/${protocol}${family === 'ip6' ? ' over IPv6' : ''}`;
}
