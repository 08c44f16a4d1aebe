import type { RequestOptions } from 'node:https';
import type { ConnectOptions } from './cluster-connection.ts';

/**
 * Where the API server is and how to be let in, from a kubeconfig file: client certificates, tokens, exec plugins and OIDC.
 * What reads it is large, so it is loaded here only.
 *
 * @param context default: the current one of the file.
 * @throws Error for a file that cannot be read, or that lacks the context, its cluster or its user.
 */
export async function kubeconfigConnectOptions(file: string, context?: string): Promise<ConnectOptions> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(file);
  if (context !== undefined) {
    config.setCurrentContext(context);
  }
  const name = config.getCurrentContext();
  const cluster = config.getCurrentCluster();
  if (config.getContextObject(name) === null) {
    throw new Error(`${file}: there is no context ${JSON.stringify(name)}`);
  }
  if (cluster === null) {
    throw new Error(`${file}: the cluster of context ${JSON.stringify(name)} is missing`);
  }
  if (cluster.proxyUrl) {
    throw new Error(`${file}: proxy-url is not supported`);
  }
  return {
    server: cluster.server,
    readCredentials: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const { auth, ca, cert, key, rejectUnauthorized, servername } = options;
      const headers = Object.entries(options.headers ?? {}).map(([header, value]) => [
        header.toLowerCase(),
        String(value),
      ]);
      return {
        headers: {
          ...(auth && { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
          ...Object.fromEntries(headers),
        },
        tls: {
          ...(ca !== undefined && { ca }),
          ...(cert !== undefined && { cert }),
          ...(key !== undefined && { key }),
          ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
          ...(servername !== undefined && { servername }),
        },
      };
    },
  };
}
