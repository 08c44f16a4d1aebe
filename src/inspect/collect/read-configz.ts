import { type ConfigFields, kubeProxyFields } from '../../config/kube-proxy-fields.ts';
import { isMapping, type Mapping, mappingIn } from '../../lib/unknown-values.ts';

const group = 'kubeproxy.config.k8s.io';

/** The fields that are kept: what rules depend on, and connections. No other field is, so that no secret can be among them. */
const keptFields: ConfigFields = Object.fromEntries(
  [
    ...[
      'mode',
      'hostnameOverride',
      'bindAddress',
      'clusterCIDR',
      'detectLocalMode',
      'detectLocal',
      'nodePortAddresses',
    ],
    ...['nftables', 'iptables', 'conntrack', 'featureGates', 'healthzBindAddress', 'metricsBindAddress'],
  ].flatMap((name) => (kubeProxyFields[name] ? [[name, kubeProxyFields[name]]] : [])),
);

/**
 * The configuration in an answer of kube-proxy at `/configz`, as a KubeProxyConfiguration; undefined for any other text. Older
 * kube-proxies answer with their internal type, whose names begin with capitals and have other places (pkg/proxy/apis/config).
 */
export function readConfigz(text: string | undefined): Mapping | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
  const told = isMapping(answer) ? mappingIn(answer, group) : {};
  if (Object.keys(told).length === 0) {
    return undefined;
  }
  const linux = mappingIn(told, 'Linux');
  const cidrs = mappingIn(told, 'DetectLocal')['ClusterCIDRs'];
  const kept = takeFields(
    {
      ...told,
      ...('Conntrack' in linux && { Conntrack: linux['Conntrack'] }),
      ...(Array.isArray(cidrs) && { ClusterCIDR: cidrs.join() }),
    },
    keptFields,
  );
  const section = kept['mode'] === 'nftables' ? 'nftables' : 'iptables';
  const masquerading =
    typeof linux['MasqueradeAll'] === 'boolean'
      ? { [section]: { ...mappingIn(kept, section), masqueradeAll: linux['MasqueradeAll'] } }
      : {};
  return { apiVersion: `${group}/v1alpha1`, kind: 'KubeProxyConfiguration', ...kept, ...masquerading };
}

/** The values of known fields, whatever the case of their names; without empty ones, which are defaults. */
function takeFields(values: Mapping, fields: ConfigFields): Mapping {
  const named = new Map(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]));
  const taken = Object.entries(fields).map(([name, field]): [string, unknown] => {
    const value = named.get(name.toLowerCase());
    if ('fields' in field) {
      return [name, isMapping(value) ? takeFields(value, field.fields) : undefined];
    }
    return [name, value];
  });
  return Object.fromEntries(taken.filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  const isEmptyObject = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return value === undefined || value === null || value === '' || isEmptyObject;
}
