import { namespaceOf } from '../kubernetes/services.ts';
import { compareText } from '../lib/text.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { checkFields } from './check-fields.ts';
import { checkServiceManifest } from './check-service-manifest.ts';
import { nameOf, namespaceIn } from './object-names.ts';

/** The kinds of objects that kubectl exposes. */
export const exposableKinds = ['Deployment', 'ReplicaSet', 'ReplicationController', 'Pod', 'Service'] as const;

/** What a Service shall be like; what is absent follows from the object. */
export interface ExposeRequest {
  readonly name?: string;
  readonly namespace?: string;
  /** Of the Service; several, too. */
  readonly ports?: readonly number[];
  /** A number or a name, for all ports. */
  readonly targetPort?: number | string;
  readonly protocol?: string;
  readonly type?: string;
  readonly selector?: Mapping;
  readonly labels?: Mapping;
  readonly externalIP?: string;
  readonly loadBalancerIP?: string;
  readonly clusterIP?: string;
  readonly sessionAffinity?: string;
}

/**
 * The Service that exposes an object, as `kubectl expose --dry-run=client` makes it (pkg/cmd/expose of kubectl 1.37), in the namespace of
 * the object; or why there can be none, in one line. Unlike there, a port that several containers have counts once, and a Service that an API
 * server would refuse is refused.
 */
export function exposeObject(object: Mapping, request: ExposeRequest): Mapping | string {
  const spec = mappingIn(object, 'spec');
  const selector = request.selector ?? selectorFor(object, spec);
  if (typeof selector === 'string') {
    return `${selector}; use --selector`;
  }
  const ports = portsFor(object, request);
  if (ports.length === 0 && request.clusterIP !== 'None') {
    return `${describeObject(object)} declares no ports; use --port`;
  }
  const service = serviceOf(object, { ...request, selector }, ports);
  const problems: string[] = [];
  const refuse = (_: unknown, message: string): void => {
    problems.push(message);
  };
  checkFields(service, 'Service', refuse);
  checkServiceManifest(service, ['IPv4', 'IPv6'], refuse);
  return problems[0] === undefined ? service : `the Service would be refused: ${problems[0]}`;
}

/** `Deployment shop/web`. */
function describeObject(object: Mapping): string {
  return `${textIn(object, 'kind')} ${namespaceIn(object)}/${nameOf(object)}`;
}

/** The labels of the Pods behind it; why a Service cannot have them, if it cannot (mapBasedSelectorForObject). */
function selectorFor(object: Mapping, spec: Mapping): Mapping | string {
  const labels = labelsOfPods(object, spec);
  if (listIn(mappingIn(spec, 'selector'), 'matchExpressions').length > 0) {
    return `${describeObject(object)} has matchExpressions, which a Service cannot have`;
  }
  const what = object['kind'] === 'Pod' ? 'labels' : 'selector';
  return Object.keys(labels).length > 0 ? labels : `${describeObject(object)} has no ${what}`;
}

function labelsOfPods(object: Mapping, spec: Mapping): Mapping {
  switch (object['kind']) {
    case 'Pod':
      return mappingIn(mappingIn(object, 'metadata'), 'labels');
    case 'Service':
    case 'ReplicationController':
      return mappingIn(spec, 'selector');
    default:
      return mappingIn(mappingIn(spec, 'selector'), 'matchLabels');
  }
}

/** The ports of its containers, or of a Service its own, each with its protocols, in their order. */
function protocolsOf(object: Mapping): ReadonlyMap<number, readonly string[]> {
  const spec = mappingIn(object, 'spec');
  const pod = object['kind'] === 'Pod' ? spec : mappingIn(mappingIn(spec, 'template'), 'spec');
  const declared =
    object['kind'] === 'Service'
      ? listIn(spec, 'ports')
      : listIn(pod, 'containers')
          .filter(isMapping)
          .flatMap((container) => listIn(container, 'ports'));
  const found = new Map<number, readonly string[]>();
  for (const port of declared.filter(isMapping)) {
    const number = port[object['kind'] === 'Service' ? 'port' : 'containerPort'];
    if (typeof number === 'number') {
      const known = found.get(number) ?? [];
      const protocol = textIn(port, 'protocol') || 'TCP';
      found.set(number, known.includes(protocol) ? known : [...known, protocol]);
    }
  }
  return found;
}

/** The ports of the Service: as asked for, else all of the object; a number with several protocols is a port for each. */
function portsFor(object: Mapping, { ports, targetPort, protocol }: ExposeRequest): Mapping[] {
  const known = protocolsOf(object);
  const numbers = ports ?? [...known.keys()];
  return numbers.flatMap((port, index) => {
    const protocols = protocol === undefined ? (known.get(port) ?? ['TCP']) : [protocol];
    return protocols.map((one) => {
      const ofSeveral = protocols.length > 1 ? `-${one.toLowerCase()}` : '';
      const isNamed = numbers.length > 1 || protocols.length > 1;
      return {
        ...(isNamed && { name: `port-${index + 1}${ofSeveral}` }),
        port,
        protocol: one,
        targetPort: targetPort ?? port,
      };
    });
  });
}

/** How long the name of a Service may be. */
const longestName = 63;

/** With its fields in the order in which kubectl prints them. */
function serviceOf(
  object: Mapping,
  request: ExposeRequest & { readonly selector: Mapping },
  ports: readonly Mapping[],
): Mapping {
  const metadata = mappingIn(object, 'metadata');
  const labels = request.labels ?? mappingIn(metadata, 'labels');
  const namespace = request.namespace ?? (metadata['namespace'] === undefined ? undefined : namespaceOf(metadata));
  const { clusterIP, externalIP, loadBalancerIP, sessionAffinity, selector, type } = request;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...(Object.keys(labels).length > 0 && { labels: sortKeys(labels) }),
      name: request.name ?? nameOf(object).slice(0, longestName),
      ...(namespace !== undefined && { namespace }),
    },
    spec: {
      ...(clusterIP !== undefined && { clusterIP }),
      ...(externalIP !== undefined && { externalIPs: [externalIP] }),
      ...(type === 'LoadBalancer' && loadBalancerIP !== undefined && { loadBalancerIP }),
      ...(ports.length > 0 && { ports }),
      selector: sortKeys(selector),
      ...(sessionAffinity !== undefined && { sessionAffinity }),
      ...(type !== undefined && { type }),
    },
    status: { loadBalancer: {} },
  };
}

function sortKeys(mapping: Mapping): Mapping {
  return Object.fromEntries(Object.entries(mapping).sort(([a], [b]) => compareText(a, b)));
}
