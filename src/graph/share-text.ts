import type { GraphEndpoint, GraphServicePort } from './graph.ts';

/** What an endpoint gets of the new connections: `1/3`, or `pods 1/3 · outside 1/1` where clients differ; empty for nothing. */
export function shareText({ routes }: GraphEndpoint, servicePort: GraphServicePort): string {
  const shares = routes.flatMap((index) => {
    const route = servicePort.routes[index];
    return route ? `${route.clients === '' ? '' : `${route.clients} `}1/${route.endpoints}` : [];
  });
  return shares.join(' · ');
}
