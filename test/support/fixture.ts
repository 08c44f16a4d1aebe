import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { type CompileOptions, defaultOptions } from '../../src/options.ts';
import { type Packet, readPackets } from './packets.ts';

/** A small cluster and the packets that must go somewhere in it. */
export interface Fixture {
  /** Its folder below fixtures/, a sentence in kebab-case. */
  readonly name: string;
  /** Absolute path of snapshot.yaml. */
  readonly snapshotFile: string;
  readonly options: CompileOptions;
  readonly packets: readonly Packet[];
  /** Every address of the node, as the options or the Node object give them. */
  readonly nodeAddresses: readonly string[];
}

const folder = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** What options.yaml of a fixture changes: the product's defaults and the pod networks that all fixtures use. */
const fixtureDefaults: CompileOptions = { ...defaultOptions, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] };

/** Fields that have no default and so do not show in fixtureDefaults. */
const optionalFields = ['nodeName', 'bindAddress', 'zone'];

/** The names of all fixtures in byte order; fixtures/bad, whose input is refused, is none of them. */
export function listFixtures(): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'bad')
    .map((entry) => entry.name)
    .sort();
}

/** Reads one fixture; throws when a file is missing or options.yaml has a field that no option has. */
export function loadFixture(name: string): Fixture {
  const snapshotFile = `${folder}${name}/snapshot.yaml`;
  const options = readOptions(name);
  const packets = readPackets(`${folder}${name}/packets.yaml`);
  const nodeAddresses =
    options.nodeAddresses.length > 0 ? options.nodeAddresses : readNodeAddresses(snapshotFile, options.nodeName);
  return { name, snapshotFile, options, packets, nodeAddresses };
}

function readOptions(name: string): CompileOptions {
  if (!readdirSync(`${folder}${name}`).includes('options.yaml')) {
    return fixtureDefaults;
  }
  const changes = parse(readFileSync(`${folder}${name}/options.yaml`, 'utf8')) as Partial<CompileOptions>;
  for (const field of Object.keys(changes)) {
    if (!(field in fixtureDefaults) && !optionalFields.includes(field)) {
      throw new Error(`fixtures/${name}/options.yaml: ${field} is no option`);
    }
  }
  return { ...fixtureDefaults, ...changes };
}

interface Manifest {
  readonly kind?: string;
  readonly items?: readonly Manifest[];
  readonly metadata?: { readonly name: string };
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

/** Read here and not with the compiler's own reader, so that a mistake there cannot hide itself. */
function readNodeAddresses(snapshotFile: string, nodeName: string | undefined): string[] {
  const documents = parseAllDocuments(readFileSync(snapshotFile, 'utf8')).map((each) => each.toJS() as Manifest);
  const nodes = documents
    .flatMap((document) => document.items ?? [document])
    .filter(({ kind, metadata }) => kind === 'Node' && (!nodeName || metadata?.name === nodeName));
  const [node, ...others] = nodes;
  if (!node || others.length > 0) {
    throw new Error(
      `${snapshotFile}: ${nodes.length} nodes to take the addresses from; name one or give nodeAddresses`,
    );
  }
  const addresses = node.status?.addresses ?? [];
  return addresses.filter(({ type }) => type === 'InternalIP' || type === 'ExternalIP').map(({ address }) => address);
}
