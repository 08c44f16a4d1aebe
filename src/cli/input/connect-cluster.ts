import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ClusterConnection, ConnectOptions } from '../../cluster/cluster-connection.ts';
import type { Context } from '../context.ts';
import type { ClusterFlags } from '../flags/cluster-flags.ts';

/**
 * A connection to the cluster that flags name; or in words why there is none, without credentials. Nothing is sent yet. What
 * reads kubeconfigs is loaded only where there is one.
 */
export async function connectCluster(
  flags: ClusterFlags,
  { env }: Pick<Context, 'env'>,
): Promise<ClusterConnection | string> {
  const { connectToCluster, describeConnectionError } = await import('../../cluster/cluster-connection.ts');
  try {
    return await connectToCluster(await findConnectOptions(flags, env));
  } catch (error) {
    return describeConnectionError(error);
  }
}

async function findConnectOptions(flags: ClusterFlags, env: Context['env']): Promise<ConnectOptions> {
  const { live, kubeconfig, context, server, tokenFile, certificateAuthority: caFile } = flags;
  const { findKubeconfigs, kubeconfigConnectOptions } = await import('../../cluster/kubeconfig.ts');
  const usesKubectls = kubeconfig === undefined && (live || context !== undefined);
  const files = usesKubectls ? findKubeconfigs(env, homeOf(env), existsSync) : [kubeconfig ?? []].flat();
  if (files.length > 0) {
    return kubeconfigConnectOptions(files, { context, server });
  }
  const isKnown = server !== undefined || Boolean(env['KUBERNETES_SERVICE_HOST']);
  if (usesKubectls && (context !== undefined || !isKnown)) {
    throw new Error(describeLack(env));
  }
  const { podConnectOptions } = await import('../../cluster/cluster-connection.ts');
  return podConnectOptions({ env, server, tokenFile, caFile });
}

function homeOf(env: Context['env']): string {
  return env['HOME'] || homedir();
}

/** Why there is no kubeconfig. */
function describeLack(env: Context['env']): string {
  const named = env['KUBECONFIG'];
  const place = named
    ? `KUBECONFIG is ${named}, where there is no file`
    : `KUBECONFIG is not set, and there is no ${join(homeOf(env), '.kube/config')}`;
  const pod = env['KUBERNETES_SERVICE_HOST'] ? '' : '; nor is this a Pod';
  return `no kubeconfig: ${place}${pod}`;
}
