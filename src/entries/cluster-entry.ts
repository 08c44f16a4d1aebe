/** `svc2nft/cluster`: follows the objects of a cluster that rules depend on. Its HTTP client is loaded with the first connection. */

export {
  type ApiResponse,
  type ClusterConnection,
  type ConnectOptions,
  type Credentials,
  connectToCluster,
  type PodConnectOptions,
  podConnectOptions,
} from '../cluster/cluster-connection.ts';
export { type ClusterFollower, type FollowClusterOptions, followCluster } from '../cluster/follow-cluster.ts';
export type { ResourceState } from '../cluster/follow-resource.ts';
export { kubeconfigConnectOptions } from '../cluster/kubeconfig.ts';
export type { Changes } from '../engine/engine.ts';
