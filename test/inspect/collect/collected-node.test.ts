import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CollectedDetails,
  type CollectedNode,
  isCollectedNode,
  printCollectedNode,
  readCollectedNode,
} from '../../../src/inspect/collect/collected-node.ts';
import { parseYaml } from '../../../src/phases/1-read/parse-yaml.ts';

const rules = 'table ip kube-proxy {\n\tchain services {\n\t\tip daddr 10.96.0.1 drop\n\t}\n\n}\n';

const node: CollectedNode = {
  node: 'worker-1',
  addresses: ['192.0.2.11', '2001:db8::11'],
  missing: ['rules of nft: no-permission'],
  kubeProxy: { mode: 'nftables', configuration: { mode: 'nftables', nodePortAddresses: ['primary'] } },
  outputs: { 'nft -n list table ip kube-proxy': rules, 'iptables-nft-save': '*nat\nCOMMIT\n' },
};

const details: CollectedDetails = {
  versions: { nft: 'nftables v1.0.6 (Lester Gooch #5)' },
  collectedAt: '2026-10-15T09:00:00Z',
  settings: { 'net.ipv4.ip_forward': '1' },
  otherTables: { 'inet firewalld': ['filter_INPUT: type filter hook input priority 10, policy accept'] },
  network: { interfaces: [{ ifname: 'lo', addr_info: [] }] },
};

/** What a command reads of a file. */
function readBack(text: string): CollectedNode | string {
  const [document] = parseYaml(text);
  return document?.kind === 'value' ? readCollectedNode(document.value) : `not YAML: ${document?.message}`;
}

describe('the file of svc2nft collect', () => {
  test('has what programs printed as they printed it, for people and for diff', async () => {
    expect(
      await printCollectedNode(node, details),
    ).toBe(`# What svc2nft collect found on a node. Commands that take --ruleset FILE read it.
apiVersion: svc2nft/v1
kind: CollectedNode
node: worker-1
collectedAt: "2026-10-15T09:00:00Z"
versions:
  nft: "nftables v1.0.6 (Lester Gooch #5)"
missing:
  - "rules of nft: no-permission"
addresses:
  - 192.0.2.11
  - 2001:db8::11
kubeProxy:
  mode: nftables
  configuration:
    mode: nftables
    nodePortAddresses:
      - primary
settings:
  net.ipv4.ip_forward: "1"
otherTables:
  inet firewalld:
    - "filter_INPUT: type filter hook input priority 10, policy accept"
network:
  interfaces:
    - ifname: lo
      addr_info: []
outputs:
  nft -n list table ip kube-proxy: |
    table ip kube-proxy {
    \tchain services {
    \t\tip daddr 10.96.0.1 drop
    \t}

    }
  iptables-nft-save: |
    *nat
    COMMIT
complete: true
`);
  });

  test('is read as it was printed', async () => {
    const text = await printCollectedNode(node, details);
    expect(isCollectedNode(text)).toBe(true);
    expect(readBack(text)).toEqual(node);
  });

  test('is read as it was printed whatever the texts are, but for characters that a terminal obeys', async () => {
    const plain = fc.string({
      unit: fc.constantFrom(...' \t\n#:-|>"\'{}[],&*!%@`.\\~yn0o1xE_é漢'.split('')),
      maxLength: 30,
    });
    const word = fc.oneof(
      plain,
      fc.constantFrom('yes', 'NO', '010', '1e3', '0x1F', '~', 'null', '<<', '---', '...', '1:20'),
    );
    await fc.assert(
      fc.asyncProperty(word, fc.dictionary(word, word, { noNullPrototype: true }), async (name, outputs) => {
        const named = (change: (key: string) => string): CollectedNode['outputs'] =>
          Object.fromEntries(Object.entries(outputs).map(([key, text]) => [`nft ${change(key)}`, text]));
        const given = { ...node, node: name, missing: [name], outputs: named((key) => key) };
        expect(readBack(await printCollectedNode(given, details))).toEqual({ ...given, outputs: named(escaped) });
      }),
    );
    const hostile = 'a\u001b[2J\u202eb\rc\u0085\u2028\ufeff\n\u0000';
    const text = await printCollectedNode({ ...node, outputs: { 'nft \u001b': hostile } }, details);
    expect(text).not.toMatch(/[^\t\n\x20-\x7e]/);
    expect(readBack(text)).toMatchObject({
      outputs: { 'nft \\u001b': 'a\\u001b[2J\\u202eb\\rc\\u0085\\u2028\\ufeff\n\\u0000' },
    });
  });

  test('is refused wherever it is cut off', async () => {
    const text = await printCollectedNode(node, details);
    const begin = text.indexOf('kind:');
    const lengths = Array.from({ length: text.trimEnd().length - begin }, (_, index) => begin + index);
    expect(lengths.map((length) => readBack(text.slice(0, length))).filter((one) => typeof one !== 'string')).toEqual(
      [],
    );
    expect(readBack(text.slice(0, text.indexOf('  iptables-nft-save')))).toBe(
      'the file is cut off: its last line, "complete: true", is missing; collect again, or copy the whole file',
    );
  });

  test.each([
    ['a file of a later version', { apiVersion: 'svc2nft/v2', kind: 'CollectedNode' }, '"svc2nft/v2 CollectedNode"'],
    ['another kind', { apiVersion: 'svc2nft/v1', kind: 'Other\u001b' }, '"svc2nft/v1 Other\\u001b"'],
    ['no mapping', [], '"undefined undefined"'],
  ])('is not %s', (_, value, found) => {
    expect(readCollectedNode(value)).toBe(
      `the file has ${found}, but this version of svc2nft reads "svc2nft/v1 CollectedNode"`,
    );
  });

  test('may have anything in its fields', () => {
    const head = { apiVersion: 'svc2nft/v1', kind: 'CollectedNode', complete: true };
    const empty = { node: '', addresses: [], missing: [], kubeProxy: {}, outputs: {} };
    expect(readCollectedNode(head)).toEqual(empty);
    const wrong = {
      node: 5,
      addresses: ['x', 7, '192.0.2.1'],
      missing: [{}],
      kubeProxy: { mode: 1 },
      outputs: { a: 1 },
    };
    expect(readCollectedNode({ ...head, ...wrong })).toEqual({ ...empty, addresses: ['192.0.2.1'] });
  });
});

function escaped(key: string): string {
  return key.replaceAll('\t', '\\t').replaceAll('\n', '\\n');
}

test('other files are not taken for one', () => {
  expect(isCollectedNode('apiVersion: v1\nkind: List\n')).toBe(false);
  expect(isCollectedNode('table ip svc2nft {\n\tcomment "\napiVersion: svc2nft/v1"\n}\n')).toBe(false);
  expect(isCollectedNode('---\n\n# edited\napiVersion: "svc2nft/v1"\n')).toBe(true);
});
