import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';

/** The control plane that KUBECONFIG names, through kubectl. */
export interface ControlPlane {
  /** Where everything of a test is, and which is deleted at the end. */
  readonly namespace: string;
  /** Calls kubectl in that namespace; returns what it prints. Throws when it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** The names of objects in the namespace. */
  names(resource: string): Promise<readonly string[]>;
  /** Waits until all Deployments have the Pods that they want, and no others. */
  settle(): Promise<void>;
  /** What `kubectl get` shows of all that a node's rules depend on: a List. */
  snapshot(): Promise<string>;
  /** Kills the API server and starts it again, by RESTART_API_SERVER; returns when it answers again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Where to find things that the environment names. */
export interface ControlPlaneSettings {
  readonly kubeconfig: string;
  /** A shell command that kills the API server and starts it again. */
  readonly restartCommand: string | undefined;
}

const longest = '180s';

/** Makes a namespace on it. */
export async function openControlPlane({ kubeconfig, restartCommand }: ControlPlaneSettings): Promise<ControlPlane> {
  const namespace = `svc2nft-test-${process.pid}`;
  const call = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await execa('kubectl', ['--kubeconfig', kubeconfig, ...args]);
    return stdout;
  };
  const kubectl: ControlPlane['kubectl'] = (...args) => call('--namespace', namespace, ...args);
  const names: ControlPlane['names'] = async (resource) =>
    (await kubectl('get', resource, '--output', 'name')).split('\n').filter((name) => name !== '');
  await call('create', 'namespace', namespace);
  return {
    namespace,
    kubectl,
    names,
    settle: async () => {
      for (const deployment of await names('deployments')) {
        await kubectl('rollout', 'status', deployment, `--timeout=${longest}`);
      }
      await endedPodsAreGone(kubectl);
    },
    snapshot: async () => {
      const kinds = ['services', 'endpointslices', 'nodes', 'servicecidrs'];
      return await call('get', kinds.join(','), '--all-namespaces', '--output', 'json');
    },
    restart: async () => {
      if (restartCommand !== undefined) {
        await execa('sh', ['-c', restartCommand]);
        await setTimeout(1_000);
        await untilReady(call);
      }
    },
    close: async () => {
      await call('delete', 'namespace', namespace, `--timeout=${longest}`);
    },
  };
}

async function untilReady(call: (...args: readonly string[]) => Promise<string>): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt++) {
    const ready = await call('get', '--raw', '/readyz').catch(() => undefined);
    if (ready !== undefined) {
      return;
    }
    await setTimeout(500);
  }
  throw new Error('the API server does not answer a minute after its restart');
}

/** Pods that end take a while to go, and their endpoints with them. */
async function endedPodsAreGone(kubectl: ControlPlane['kubectl']): Promise<void> {
  for (let attempt = 0; attempt < 240; attempt++) {
    const { items } = JSON.parse(await kubectl('get', 'pods,endpointslices', '--output', 'json')) as Objects;
    const isEnding = items.some(
      ({ metadata, endpoints }) =>
        metadata.deletionTimestamp !== undefined ||
        endpoints?.some(({ conditions }) => conditions?.terminating === true),
    );
    if (!isEnding) {
      return;
    }
    await setTimeout(250);
  }
  throw new Error('Pods that end are still there after a minute');
}

/** What is read of Pods and EndpointSlices. */
interface Objects {
  readonly items: readonly {
    readonly metadata: { readonly deletionTimestamp?: string };
    readonly endpoints?: readonly { readonly conditions?: { readonly terminating?: boolean } }[] | null;
  }[];
}
