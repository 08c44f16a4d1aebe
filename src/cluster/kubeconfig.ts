import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Cluster, KubeConfig } from '@kubernetes/client-node';
import { listSome } from '../lib/text.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { type ConnectOptions, type Credentials, describeConnectionError } from './cluster-connection.ts';

/** What a kubeconfig leaves open. */
export interface KubeconfigOptions {
  /** Default: the current one. */
  readonly context?: string | undefined;
  /** In place of the address that the kubeconfig has. */
  readonly server?: string | undefined;
}

/**
 * Where the API server is and how to be let in, from a kubeconfig file: client certificates, tokens, exec plugins and OIDC.
 * What reads it is large, so it is loaded here only. No error quotes the file, or what a plugin prints.
 *
 * @param files one, or several that are merged as kubectl does: what the first of them says counts.
 * @throws Error for a file that cannot be read, or that lacks the context, its cluster or its user.
 */
export async function kubeconfigConnectOptions(
  files: string | readonly string[],
  { context, server }: KubeconfigOptions = {},
): Promise<ConnectOptions> {
  const names = typeof files === 'string' ? [files] : files;
  const file = names.join(':');
  const contents = await Promise.all(names.map(async (name) => withAbsolutePaths(await readContent(name), name)));
  const content = mergeContents(contents);
  const { KubeConfig } = await import('@kubernetes/client-node').catch(() => {
    throw new Error('reading a kubeconfig takes the npm package @kubernetes/client-node, which is not installed');
  });
  const config = new KubeConfig();
  try {
    config.loadFromString(JSON.stringify(content));
  } catch (error) {
    const [reason] = error instanceof Error ? error.message.split('\n') : [];
    // biome-ignore lint/style/useErrorCause: it may have credentials.
    throw new Error(`${file}: ${reason}`);
  }
  if (context !== undefined) {
    config.setCurrentContext(context);
  }
  const cluster = findCluster(config, file);
  const address = server ?? cluster.server;
  if (address.startsWith('http:')) {
    // As kubectl, which shows no credentials to those on the way.
    return { server: address, readCredentials: () => Promise.resolve({ headers: {}, tls: {} }) };
  }
  config.clusters = config.clusters.map((one) => (one === cluster ? { ...one, server: address } : one));
  return { server: address, readCredentials: () => readCredentials(config, content) };
}

async function readCredentials(config: KubeConfig, content: Mapping): Promise<Credentials> {
  const { auth, ca, cert, key, rejectUnauthorized, servername, headers } = await applyCredentials(config);
  const tokenFile = tokenFileOf(content, config.getCurrentUser()?.name);
  const token = tokenFile && (await readFile(tokenFile, 'utf8')).trim();
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
}

/** @throws Error where the current context is missing, or what it names, or where its cluster cannot be reached this way. */
function findCluster(config: KubeConfig, file: string): Cluster {
  const name = config.getCurrentContext();
  if (config.getContextObject(name) === null) {
    const has = config.getContexts().map((one) => one.name);
    const known = has.length === 0 ? 'it has none' : `it has ${listSome(has, shownContexts)}`;
    const lack = name ? `there is no context ${JSON.stringify(name)}` : 'there is no current-context; use --context';
    throw new Error(`${file}: ${lack} (${known})`);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new Error(`${file}: the cluster of context ${JSON.stringify(name)} is missing`);
  }
  if (cluster.proxyUrl) {
    throw new Error(`${file}: proxy-url is not supported`);
  }
  return cluster;
}

/** How many contexts are named. */
const shownContexts = 8;

/** The files that kubectl reads: those of KUBECONFIG that exist, or else `~/.kube/config`; none if there is none. */
export function findKubeconfigs(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
  exists: (path: string) => boolean,
): string[] {
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return (named.length > 0 ? named : [join(home, '.kube', 'config')]).filter(exists);
}

/** What the first of several files says of each cluster, user and context, and of the current context. */
function mergeContents(contents: readonly Mapping[]): Mapping {
  const [first] = contents;
  if (first && contents.length === 1) {
    return first;
  }
  const lists = ['clusters', 'users', 'contexts'].map((field) => {
    const entries = contents.flatMap((content) => listIn(content, field)).filter(isMapping);
    const byName = new Map(entries.reverse().map((entry) => [entry['name'], entry]));
    return [field, [...byName.values()].reverse()] as const;
  });
  const current = contents.map((content) => textIn(content, 'current-context')).find((name) => name !== '');
  return { ...Object.fromEntries(lists), 'current-context': current };
}

/** A kubeconfig whose relative paths, which are from its folder, are absolute. */
function withAbsolutePaths(content: Mapping, file: string): Mapping {
  const rebase = (inner: unknown, fields: readonly string[]): Mapping => {
    const values = isMapping(inner) ? inner : {};
    const paths = fields.flatMap((field) => {
      const path = textIn(values, field);
      return path === '' ? [] : [[field, resolve(dirname(file), path)] as const];
    });
    return { ...values, ...Object.fromEntries(paths) };
  };
  const rebaseEntries = (list: string, field: string, paths: readonly string[]): unknown =>
    Array.isArray(content[list])
      ? content[list].map((entry: unknown) =>
          isMapping(entry) && isMapping(entry[field]) ? { ...entry, [field]: rebase(entry[field], paths) } : entry,
        )
      : content[list];
  return {
    ...content,
    clusters: rebaseEntries('clusters', 'cluster', ['certificate-authority']),
    users: rebaseEntries('users', 'user', ['client-certificate', 'client-key', 'tokenFile']),
  };
}

/** What keeps a file from being read, by Node's codes. */
const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'a folder',
};

/** Its YAML, which JSON is, too. What is wrong with it is told by its place: readers quote the lines around it. */
async function readContent(file: string): Promise<Mapping> {
  const { parse, YAMLParseError } = await import('yaml');
  const text = await readFile(file, 'utf8').catch(({ code = '', message }: NodeJS.ErrnoException) => {
    throw new Error(`${file}: ${unreadable[code] ?? message}`);
  });
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
