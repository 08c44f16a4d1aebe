import { collectAll } from '../collect-all.ts';
import { nameOfFamily } from '../family-names.ts';
import { getNamespaced, type Namespaced, setNamespaced } from '../namespaced.ts';
import type { Service } from '../phases/2-validate/kubernetes.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import { isAddressField, isServed, namespaceOf } from '../service-rules.ts';
import type { FrontendRow } from './frontend-row.ts';

/** A row for each Service that no rule of any view comes of, with the reason. */
export function listUnserved(services: readonly Service[], views: readonly NodeView[]): FrontendRow[] {
  const listed: Namespaced<true> = new Map();
  for (const { namespace, name } of collectAll(views, ({ servicePorts }) => servicePorts)) {
    setNamespaced(listed, namespace, name, true);
  }
  return services.flatMap((service) => {
    const namespace = namespaceOf(service.metadata);
    const { name } = service.metadata;
    if (getNamespaced(listed, namespace, name)) {
      return [];
    }
    // The same object may stand in several files.
    setNamespaced(listed, namespace, name, true);
    return unservedRow(service, reasonFor(service, views));
  });
}

function reasonFor(service: Service, views: readonly NodeView[]): string {
  const { type, clusterIP } = service.spec;
  if (type === 'ExternalName') {
    return 'ExternalName';
  }
  if (clusterIP === 'None') {
    return 'headless';
  }
  if (!isAddressField(clusterIP)) {
    return 'no cluster IP';
  }
  if (!isServed(service)) {
    return 'other proxy';
  }
  const families = views.map(({ family }) => nameOfFamily(family)).join(' or ');
  return (service.spec.ports ?? []).length === 0 ? 'no ports' : `no cluster IP of ${families}`;
}

function unservedRow({ metadata }: Service, reason: string): FrontendRow {
  return {
    namespace: namespaceOf(metadata),
    service: metadata.name,
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
    remarks: [`${reason}: no rules`],
  };
}
