import { escapeControls } from '../escape-controls.ts';
import type { IsWanted } from '../graph/build-graph.ts';
import { readServiceNotes } from '../places/read-service-notes.ts';
import { unservedText } from '../places/unserved-text.ts';
import type { Cluster } from './load-cluster.ts';
import { markRefused } from './mark-refused.ts';
import type { ServiceFilters } from './service-filters.ts';
import type { Streams } from './streams.ts';
import { unknownNames } from './unknown-names.ts';

/** Which service ports the flags leave; undefined, after messages on stderr, where one of them names nothing. */
export function chooseServices(
  cluster: Pick<Cluster, 'views' | 'documents' | 'diagnostics'>,
  { namespace: namespaces = [], service: wanted = [] }: ServiceFilters,
  { stderr }: Pick<Streams, 'stderr'>,
): IsWanted | undefined {
  const served = cluster.views.flatMap(({ servicePorts }) => servicePorts);
  const isInNamespace: IsWanted = ({ namespace }) => namespaces.length === 0 || namespaces.includes(namespace);
  const isNamed: IsWanted = ({ namespace, name }) =>
    wanted.length === 0 || wanted.includes(`${namespace}/${name}`) || wanted.includes(name);
  const left = served.filter(isInNamespace);
  const known = new Set(left.flatMap(({ namespace, name }) => [`${namespace}/${name}`, name]));
  const place = namespaces.length === 0 ? '' : ` in namespace ${namespaces.map(escapeControls).join(', ')}`;
  const problems = [
    ...unknownNames(namespaces, new Set(served.map(({ namespace }) => namespace))).map(
      ({ text, hint }) => `no Service with rules on this node is in namespace ${text}${hint}`,
    ),
    ...unknownNames(wanted, known).map(
      ({ name, text, hint }) =>
        `no Service with rules on this node is called ${text}${place}${whyUnserved(name, cluster) ?? hint}`,
    ),
  ];
  for (const problem of problems) {
    stderr.write(`error: ${problem}\n`);
  }
  return problems.length === 0 ? (servicePort) => isInNamespace(servicePort) && isNamed(servicePort) : undefined;
}

function whyUnserved(
  wanted: string,
  { documents, diagnostics }: Pick<Cluster, 'documents' | 'diagnostics'>,
): string | undefined {
  const note = markRefused(readServiceNotes(documents), diagnostics).find(
    ({ namespace, name }) => wanted === name || wanted === `${namespace}/${name}`,
  );
  return note?.unserved && `: ${unservedText(note.unserved)}`;
}
