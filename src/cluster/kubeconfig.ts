import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { isMapping, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { type ConnectOptions, describeConnectionError } from './cluster-connection.ts';

/**
 * Where the API server is and how to be let in, from a kubeconfig file: client certificates, tokens, exec plugins and OIDC.
 * What reads it is large, so it is loaded here only. No error quotes the file, or what a plugin prints.
 *
 * @param context default: the current one of the file.
 * @throws Error for a file that cannot be read, or that lacks the context, its cluster or its user.
 */
export async function kubeconfigConnectOptions(file: string, context?: string): Promise<ConnectOptions> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const content = await readContent(file);
  const config = new KubeConfig();
  try {
    config.loadFromString(JSON.stringify(content));
  } catch (error) {
    const [reason] = error instanceof Error ? error.message.split('\n') : [];
    // biome-ignore lint/style/useErrorCause: it may have credentials.
    throw new Error(`${file}: ${reason}`);
  }
  config.makePathsAbsolute(dirname(file));
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
  const tokenFile = tokenFileOf(content, config.getCurrentUser()?.name);
  return {
    server: cluster.server,
    readCredentials: async () => {
      const { auth, ca, cert, key, rejectUnauthorized, servername, headers } = await applyCredentials(config);
      const token = tokenFile && (await readFile(resolve(dirname(file), tokenFile), 'utf8')).trim();
      return {
        headers: {
          ...(auth && { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
          ...Object.fromEntries(
            Object.entries(headers ?? {}).map(([header, value]) => [header.toLowerCase(), String(value)]),
          ),
          ...(token && { authorization: `Bearer ${token}` }),
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

/** Its YAML, which JSON is, too. What is wrong with it is told by its place: readers quote the lines around it. */
async function readContent(file: string): Promise<Mapping> {
  const { parse, YAMLParseError } = await import('yaml');
  const text = await readFile(file, 'utf8');
  let content: unknown;
  try {
    content = parse(text, { merge: true, logLevel: 'error' });
  } catch (error) {
    const [start] = (error instanceof YAMLParseError && error.linePos) || [];
    // biome-ignore lint/style/useErrorCause: it may have credentials.
    throw new Error(`${file}${start ? `:${start.line}:${start.col}` : ''}: not valid YAML`);
  }
  if (!isMapping(content)) {
    throw new Error(`${file}: not a kubeconfig`);
  }
  return content;
}

/** The file that a user's token is in, which the package does not know. It counts before a token, as for kubectl. */
function tokenFileOf({ users }: Mapping, name: string | undefined): string {
  const user = Array.isArray(users) ? users.find((one) => isMapping(one) && one['name'] === name) : undefined;
  return textIn(mappingIn(user, 'user'), 'tokenFile');
}

/** What identifies the user. The errors of plugins for it may quote what they print, a token. */
async function applyCredentials(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
    return options;
  } catch (error) {
    const user = config.getCurrentUser();
    // biome-ignore lint/style/useErrorCause: it may have credentials.
    throw new Error(
      `credentials of user ${JSON.stringify(user?.name)}: ${describeFailure(error, user?.exec?.command)}`,
    );
  }
}

function describeFailure(error: unknown, command: string | undefined): string {
  if (command !== undefined && (error instanceof SyntaxError || error instanceof TypeError)) {
    return `${command} did not print an ExecCredential as JSON`;
  }
  if (error instanceof SyntaxError) {
    return 'what they are read from is not JSON';
  }
  if (command !== undefined && error instanceof Error && error.message === '') {
    return `${command} failed without a message`;
  }
  return describeConnectionError(error);
}
