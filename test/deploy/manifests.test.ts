import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { withoutLock } from '../../src/apply/with-lock.ts';
import { agentCommand } from '../../src/cli/commands/agent-command.ts';
import { type ClusterConnection, connectToCluster } from '../../src/cluster/cluster-connection.ts';
import { followCluster } from '../../src/cluster/follow-cluster.ts';
import { postEvent } from '../../src/cluster/post-event.ts';
import { readKubeProxyConfig } from '../../src/config/kube-proxy-config.ts';
import { version } from '../../src/version.ts';
import { type ApiObject, ApiServer } from '../support/api-server.js';

const base = 'deploy/chart/base';
// biome-ignore lint/suspicious/noExplicitAny: manifests are what tests say about them
type Manifest = any;

function read(path: string): Manifest {
  return parse(readFileSync(path, 'utf8'));
}

const daemonSet = read(`${base}/daemon-set.yaml`);
const pod = daemonSet.spec.template.spec;
const [container] = pod.containers;
const values = read('deploy/chart/values.yaml');

test('the base has each of its files, and so has the chart', () => {
  const files = readdirSync(base).filter((name) => name !== 'kustomization.yaml');
  expect(read(`${base}/kustomization.yaml`).resources.sort()).toEqual(files.sort());
  const template = readFileSync('deploy/chart/templates/manifests.yaml', 'utf8');
  const taken = [...template.matchAll(/\.Files\.Get "base\/([^"]+)"/g)].map(([, name]) => name);
  expect(taken.sort()).toEqual(files.sort());
});

test('images and charts have the version of the package', () => {
  const chart = read('deploy/chart/Chart.yaml');
  const tags = ['example', 'migration'].map(
    (name) => read(`deploy/kustomize/${name}/kustomization.yaml`).images[0].newTag,
  );
  expect([chart.version, chart.appVersion, values.image.tag, ...tags]).toEqual(Array(5).fill(version));
  expect(container.image).toBe(`${values.image.repository}:${version}`);
});

test('the values of the chart are what the base has', () => {
  const config = parse(read(`${base}/config-map.yaml`).data['config.conf']);
  expect(values).toMatchObject({
    config,
    image: { pullPolicy: container.imagePullPolicy },
    updateStrategy: daemonSet.spec.updateStrategy,
    tolerations: pod.tolerations,
    priorityClassName: pod.priorityClassName,
    resources: container.resources,
  });
});

test('the configurations are understood', () => {
  const example = parse(read('deploy/kustomize/example/kustomization.yaml').patches[0].patch);
  const texts = [read(`${base}/config-map.yaml`), example].map(({ data }) => data['config.conf']);
  for (const text of [...texts, readFileSync('deploy/kustomize/migration/config.conf', 'utf8')]) {
    const { diagnostics } = readKubeProxyConfig({ file: 'config.conf', content: Buffer.from(text) });
    expect(diagnostics).toEqual([]);
  }
});

test('the arguments are flags of the agent', () => {
  const context = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: {},
    run: () => Promise.reject(new Error('no program is needed')),
    lock: withoutLock,
    now: () => 0,
    hostName: 'worker-1',
  };
  const flags = agentCommand(context, () => {}).options.map(({ long }) => long);
  const [command, ...args] = container.args;
  expect(command).toBe('agent');
  expect(args.map((arg: string) => arg.replace(/=.*/, '')).filter((flag: string) => !flags.includes(flag))).toEqual([]);
});

test('the container may do what nft takes, and nothing else', () => {
  expect(container.securityContext).toMatchObject({
    privileged: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
    seccompProfile: { type: 'RuntimeDefault' },
  });
});

test('an update starts the new Pod beside the old one, so no port of the host may be declared', () => {
  expect(daemonSet.spec.updateStrategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  expect(container).not.toHaveProperty('ports');
});

test('the Pod selects what its DaemonSet and those who scrape kube-proxy select', () => {
  const { labels } = daemonSet.spec.template.metadata;
  expect(labels).toMatchObject({ ...daemonSet.spec.selector.matchLabels, 'k8s-app': 'kube-proxy' });
  expect(daemonSet.spec.selector.matchLabels).not.toHaveProperty('k8s-app');
});

test('a node that was switched has one of the two proxies', () => {
  const { spec } = read('deploy/kustomize/migration/kube-proxy.yaml').spec.template;
  const [term] = spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
  expect(term.matchExpressions).toEqual([{ key: 'service-proxy', operator: 'NotIn', values: ['svc2nft'] }]);
  const [selector] = parse(read('deploy/kustomize/migration/kustomization.yaml').patches[0].patch);
  expect(selector).toMatchObject({ path: '/spec/template/spec/nodeSelector/service-proxy', value: 'svc2nft' });
});

let server: ApiServer;
let connection: ClusterConnection;

const objects: readonly ApiObject[] = [
  { kind: 'Node', metadata: { name: 'worker-1', uid: '1' }, status: {} },
  { kind: 'Service', metadata: { name: 'web', namespace: 'shop', uid: '2' }, spec: { ports: [{ port: 80 }] } },
  { kind: 'EndpointSlice', metadata: { name: 'web-1', namespace: 'shop' }, endpoints: [] },
  { kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16'] } },
];

beforeEach(async () => {
  // Without streamed lists, so that both lists and watches are asked for.
  server = new ApiServer({ objects, streamingLists: 'refused' });
  await server.listen();
  connection = await connectToCluster({ server: server.url, readCredentials: async () => ({ headers: {}, tls: {} }) });
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

test('the role has the rights that the agent uses, and no others', async () => {
  const used = new Set<string>();
  const note = (verb: string, path: string): void => {
    const [, group, resource] = /^\/(?:api|apis\/([^/]+))\/[^/]+\/(?:namespaces\/[^/]+\/)?([^/?]+)/.exec(path) ?? [];
    used.add(`${verb} ${resource}.${group ?? ''}`);
  };
  const noting: ClusterConnection = {
    ...connection,
    get: (path, signal) => {
      note(/[?&]watch=true/.test(path) ? 'watch' : 'list', path);
      return connection.get(path, signal);
    },
    post: (path, object, signal) => {
      note('create', path);
      return connection.post(path, object, signal);
    },
  };
  await followUntilWatched(noting);
  const tools = { connection: noting, signal: new AbortController().signal, nodeName: 'worker-1' };
  const text = { reason: 'Reason', action: 'Act', note: 'what happened' };
  for (const regarding of [
    { kind: 'Service', namespace: 'shop', name: 'web' },
    { kind: 'Node', name: 'worker-1' },
  ] as const) {
    await postEvent({ regarding, ...text }, { ...tools, wallClock: () => new Date(0), newId: () => '0' });
  }
  expect([...used].sort()).toEqual(rightsOf(read(`${base}/cluster-role.yaml`)).sort());
});

/** Resolves once all kinds are watched. */
async function followUntilWatched(noting: ClusterConnection): Promise<void> {
  const watched = new Set<string>();
  let end = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  const follower = followCluster({
    connection: noting,
    nodeName: 'worker-1',
    onChanges: () => undefined,
    onState: (kind, { state }) => {
      if (state === 'watching' && watched.add(kind).size === 4) {
        end();
      }
    },
  });
  await done;
  await follower.close();
}

function rightsOf(role: Manifest): string[] {
  return role.rules.flatMap(({ apiGroups, resources, verbs }: Manifest) =>
    apiGroups.flatMap((group: string) =>
      resources.flatMap((resource: string) => verbs.map((verb: string) => `${verb} ${resource}.${group}`)),
    ),
  );
}
