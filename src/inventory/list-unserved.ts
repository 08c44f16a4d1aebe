import { collectAll } from '../collect-all.ts';
import { nameOfFamily } from '../family-names.ts';
import { getNamespaced, type Namespaced, setNamespaced } from '../namespaced.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import type { ServiceNote } from '../places/read-service-notes.ts';
import type { FrontendRow } from './frontend-row.ts';

/** A row for each Service that no rule of any view comes of, with the reason. */
export function listUnserved(notes: readonly ServiceNote[], views: readonly NodeView[]): FrontendRow[] {
  const listed: Namespaced<true> = new Map();
  for (const { namespace, name } of collectAll(views, ({ servicePorts }) => servicePorts)) {
    setNamespaced(listed, namespace, name, true);
  }
  const families = views.map(({ family }) => nameOfFamily(family)).join(' or ');
  return notes.flatMap(({ namespace, name, unserved }) => {
    if (getNamespaced(listed, namespace, name)) {
      return [];
    }
    // The same object may stand in several files.
    setNamespaced(listed, namespace, name, true);
    const remark =
      unserved === 'left out' ? 'left out: it has errors' : `${unserved ?? `no cluster IP of ${families}`}: no rules`;
    return unservedRow(namespace, name, remark);
  });
}

function unservedRow(namespace: string, service: string, remark: string): FrontendRow {
  return {
    namespace,
    service,
    portName: null,
    protocol: null,
    family: null,
    type: null,
    frontend: null,
    policy: null,
    refusal: null,
    givenTo: null,
    affinitySeconds: 0,
    sourceRanges: null,
    endpointsUsed: 0,
    endpointsLocal: 0,
    endpoints: [],
    remarks: [remark],
  };
}
