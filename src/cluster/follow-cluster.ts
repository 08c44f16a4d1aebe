import { setTimeout as sleep } from 'node:timers/promises';
import type { Changes } from '../engine/engine.ts';
import { invariant } from '../lib/invariant.ts';
import type { ClusterConnection } from './cluster-connection.ts';
import { type FollowTools, followResource, type ResourceState } from './follow-resource.ts';
import { defaultPageSize, type Resource, resources, withoutHeadless } from './list-resource.ts';

/** What is followed, and who hears of it. */
export interface FollowClusterOptions {
  readonly connection: ClusterConnection;
  /** The node whose rules depend on it. */
  readonly nodeName: string;
  /**
   * Receives what an engine or a service proxy takes: objects as the lists are read, `complete` once all of them are read
   * to their ends, then every change. Called in the order of the server's events; must not throw.
   */
  readonly onChanges: (changes: Changes) => void;
  /** Receives how each kind goes. */
  readonly onState?: (kind: string, state: ResourceState) => void;
  /** Called whenever something about a kind is received, at least every minute while it is watched. */
  readonly onHeard?: (kind: string) => void;
  /** In milliseconds; 90,000 by default. A connection without a byte for so long counts as dead. */
  readonly idleTimeout?: number;
  /** Objects in a page of a list, where the server does not stream lists; 500 by default. */
  readonly pageSize?: number;
  readonly wait?: FollowTools['wait'];
  readonly random?: FollowTools['random'];
  readonly now?: FollowTools['now'];
}

/** Follows a cluster until it is closed. */
export interface ClusterFollower {
  /** Ends all watches; resolves when no change will come any more. The connection stays open. */
  close(): Promise<void>;
}

/**
 * Lists and watches all objects that the rules of a node depend on, with the selectors of kube-proxy. Errors are reported
 * and retried, for days if need be: what was there last stays.
 */
export function followCluster(options: FollowClusterOptions): ClusterFollower {
  const { nodeName, onChanges, onState, onHeard } = options;
  const end = new AbortController();
  const tools = toolsOf(options, end.signal);
  const resources = resourcesOf(nodeName);
  const missing = new Set(resources.map(({ kind }) => kind));
  const runs = resources.map((resource) =>
    followResource(
      resource,
      {
        change: ({ apply, remove }) => onChanges({ apply, remove }),
        listed: () => {
          if (missing.delete(resource.kind) && missing.size === 0) {
            onChanges({ complete: true });
          }
        },
        report: (state) => onState?.(resource.kind, state),
        heard: () => onHeard?.(resource.kind),
      },
      tools,
    ),
  );
  return {
    close: async () => {
      end.abort();
      await Promise.all(runs);
    },
  };
}

function toolsOf(options: FollowClusterOptions, signal: AbortSignal): FollowTools {
  const { connection, idleTimeout = 90_000, pageSize = defaultPageSize } = options;
  const { wait = waitWithClock, random = Math.random, now = () => performance.now() } = options;
  return { connection, signal, wait, random, now, idleTimeout, pageSize };
}

async function waitWithClock(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal });
}

/** The objects that rules depend on. Labels exclude those that another proxy serves, and the slices of headless Services. */
function resourcesOf(nodeName: string): readonly Resource[] {
  invariant(nodeName !== '', 'a node has a name');
  return [
    { ...resources.Node, fieldSelector: `metadata.name=${nodeName}` },
    { ...resources.Service, labelSelector: '!service.kubernetes.io/service-proxy-name' },
    { ...resources.EndpointSlice, labelSelector: withoutHeadless },
    resources.ServiceCIDR,
  ];
}
