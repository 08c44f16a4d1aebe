/**
 * The file that `svc2nft collect` prints: what a node has, as YAML. Programs' output is in literal blocks, as the programs printed it,
 * so that two files can be compared line by line.
 */

import { escapeControls } from '../../lib/text.ts';
import { describeValue, isMapping, listIn, type Mapping, mappingIn, textIn } from '../../lib/unknown-values.ts';
import { canonicalAddress } from '../../net/address.ts';

const apiVersion = 'svc2nft/v1';
const kind = 'CollectedNode';

/** What a node has. Texts are those of the node; in a file, control characters in them are escapes. */
export interface CollectedNode {
  /** The name of the Node: that of kube-proxy's configuration, or else that of the machine. */
  readonly node: string;
  /** The node's own addresses without loopback ones, canonical. */
  readonly addresses: readonly string[];
  /** What could not be read, and why. */
  readonly missing: readonly string[];
  /** The mode of kube-proxy, `iptables`, and its KubeProxyConfiguration as far as rules depend on it; absent where it says nothing. */
  readonly kubeProxy: { readonly mode?: string; readonly configuration?: Mapping };
  /** What programs printed, by their command line: `nft -n list table ip kube-proxy`, `iptables-nft-save`. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** What only people read, in the order of the file. */
export interface CollectedDetails {
  readonly versions: Readonly<Record<string, string>>;
  /** In RFC 3339. */
  readonly collectedAt: string;
  /** Kernel settings by the names that sysctl has for them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Tables of nft that were not read: their base chains, as `forward: type filter hook forward priority 0, policy drop`. */
  readonly otherTables: Readonly<Record<string, readonly string[]>>;
  /** Interfaces, routes and rules of both families, as `ip -j` prints them. */
  readonly network: Readonly<Record<string, unknown>>;
}

/** The text of the file. Its last line says that nothing is missing behind it. */
export async function printCollectedNode(
  { node, addresses, missing, kubeProxy, outputs }: CollectedNode,
  { versions, collectedAt, settings, otherTables, network }: CollectedDetails,
): Promise<string> {
  const head = { apiVersion, kind, node, collectedAt, versions, missing, addresses, kubeProxy, settings };
  const content = { ...head, otherTables, network, outputs, complete: true };
  // Reading takes another part of the library.
  const { stringify } = await import('yaml');
  const text = stringify(withoutControls(content), {
    // So that texts such as "yes" and "010" get quotes.
    version: '1.1',
    lineWidth: 0,
    blockQuote: 'literal',
    aliasDuplicateObjects: false,
  });
  return `# What svc2nft collect found on a node. Commands that take --ruleset FILE read it.\n${text}`;
}

/** Texts without characters that a terminal would obey, and lines as they are. */
function withoutControls(value: unknown): unknown {
  if (typeof value === 'string') {
    // Most outputs are plain, and may be long.
    return /[^\t\n\x20-\x7e]/.test(value) ? value.replace(/[^\t\n]+/g, escapeControls) : value;
  }
  if (Array.isArray(value)) {
    return value.map(withoutControls);
  }
  return isMapping(value)
    ? Object.fromEntries(Object.entries(value).map(([key, part]) => [escapeControls(key), withoutControls(part)]))
    : value;
}

/** Whether a text begins as a file that some version of svc2nft collect printed. */
export function isCollectedNode(text: string): boolean {
  return /^(?:#[^\n]*\n|---\n|\n)*apiVersion: ["']?svc2nft\//.test(text);
}

/** What such a file says, given its value; a text that says why it cannot be used. */
export function readCollectedNode(value: unknown): CollectedNode | string {
  if (!isMapping(value) || value['apiVersion'] !== apiVersion || value['kind'] !== kind) {
    const { apiVersion: version, kind: found } = isMapping(value) ? value : {};
    const what = escapeControls(describeValue(`${version} ${found}`));
    return `the file has ${what}, but this version of svc2nft reads "${apiVersion} ${kind}"`;
  }
  if (value['complete'] !== true) {
    return 'the file is cut off: its last line, "complete: true", is missing; collect again, or copy the whole file';
  }
  const outputs = Object.entries(mappingIn(value, 'outputs')).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const { mode, configuration } = mappingIn(value, 'kubeProxy');
  return {
    node: textIn(value, 'node'),
    addresses: textsIn(value, 'addresses').flatMap((address) => canonicalAddress(address) ?? []),
    missing: textsIn(value, 'missing'),
    kubeProxy: {
      ...(typeof mode === 'string' && { mode }),
      ...(isMapping(configuration) && { configuration }),
    },
    outputs: Object.fromEntries(outputs),
  };
}

function textsIn(parent: Mapping, field: string): string[] {
  return listIn(parent, field).filter((text) => typeof text === 'string');
}
