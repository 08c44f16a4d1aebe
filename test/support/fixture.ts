import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { type CompileOptions, defaultOptions } from '../../src/options.ts';
import { type Packet, readPackets } from './packets.ts';

/** A small cluster and the packets that must go somewhere in it. */
export interface Fixture {
  /** The name of its folder, a sentence in kebab-case. */
  readonly name: string;
  /** Its folder from the root of the project: `fixtures/<topic>/<name>`. */
  readonly folder: string;
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

/** Topic of each fixture by its name. fixtures/bad holds input that is refused, which is tested elsewhere. */
const topics: ReadonlyMap<string, string> = new Map(
  foldersIn(folder)
    .filter((topic) => topic !== 'bad')
    .flatMap((topic) => foldersIn(`${folder}${topic}`).map((name) => [name, topic] as const)),
);

function foldersIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** The names of all fixtures in byte order. */
export function listFixtures(): string[] {
  return [...topics.keys()].sort();
}

/**
 * Whether a fixture has endpoints at which connections are refused, because they are frontends themselves. What compares
 * rules without walking packets shows where these are sent.
 */
export function refusesEndpoints(name: string): boolean {
  return name.startsWith('endpoint-at-a-refused-');
}

/** The topic of a fixture: the folder that it and its golden files are in. */
export function topicOf(name: string): string {
  const topic = topics.get(name);
  if (topic === undefined) {
    throw new Error(`no fixture is called ${name}`);
  }
  return topic;
}

/** Reads one fixture; throws when a file is missing or options.yaml has a field that no option has. */
export function loadFixture(name: string): Fixture {
  const known = loaded.get(name) ?? readFixture(name);
  loaded.set(name, known);
  return known;
}

const loaded = new Map<string, Fixture>();

function readFixture(name: string): Fixture {
  const path = `${topicOf(name)}/${name}`;
  const snapshotFile = `${folder}${path}/snapshot.yaml`;
  const options = readOptions(path);
  const packets = readPackets(`${folder}${path}/packets.yaml`);
  const nodeAddresses =
    options.nodeAddresses.length > 0 ? options.nodeAddresses : readNodeAddresses(snapshotFile, options.nodeName);
  return { name, folder: `fixtures/${path}`, snapshotFile, options, packets, nodeAddresses };
}

function readOptions(path: string): CompileOptions {
  if (!readdirSync(`${folder}${path}`).includes('options.yaml')) {
    return fixtureDefaults;
  }
  const changes = parse(readFileSync(`${folder}${path}/options.yaml`, 'utf8')) as Partial<CompileOptions>;
  for (const field of Object.keys(changes)) {
    if (!(field in fixtureDefaults) && !optionalFields.includes(field)) {
      throw new Error(`fixtures/${path}/options.yaml: ${field} is not an option`);
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
