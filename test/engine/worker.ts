import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine, Update } from '../../src/engine/engine.ts';
import type { CompileOptions } from '../../src/options.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The Node worker-1, whose pods are 10.244.1.x. */
export function node({
  zone = 'zone-a',
  address = '192.0.2.11',
  conditions = [],
}: {
  zone?: string;
  address?: string;
  conditions?: readonly Fields[];
} = {}): Fields {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'worker-1', labels: { 'topology.kubernetes.io/zone': zone } },
    status: { addresses: [{ type: 'InternalIP', address }], conditions },
  };
}

/** A ServiceCIDR object. */
export function serviceCidr(name: string, ...cidrs: readonly string[]): Fields {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } };
}

/** How a watch says that a Service of namespace `shop` is gone. */
export function serviceNamed(name: string): { kind: string; namespace: string; name: string } {
  return { kind: 'Service', namespace: 'shop', name };
}

/** The settings of worker-1's engines, for IPv4 alone. */
export const workerOptions: Partial<CompileOptions> = {
  nodeName: 'worker-1',
  families: ['ip'],
  clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
};

/** An engine of worker-1 with its node and these objects. */
export function engineWith(objects: readonly unknown[], options: Partial<CompileOptions> = {}): Engine {
  const engine = createEngine({ ...workerOptions, ...options });
  engine.update({ apply: [node(), ...objects], complete: true });
  return engine;
}

/** An update as nft commands, each on one line and without the table, which is always the same. */
export function commandsOf({ text }: Pick<Update, 'text'>): string[] {
  const lines = text.replaceAll(/\n\t/g, ' ').replaceAll('\n}', ' }').split('\n').slice(0, -1);
  return lines.map((line) => line.replace(/ (ip6?) svc2nft/, ''));
}

/** What an update says about objects: code and message of each diagnostic. */
export function saidBy({ diagnostics }: Pick<Update, 'diagnostics'>): string[] {
  return diagnostics.map(({ code, message }) => `${code}: ${message}`);
}
