// @ts-check
import { execa } from 'execa';
import { generateCluster } from '../generate-cluster.js';
import { writeBareDispatch } from '../layouts/bare-dispatch.js';
import { kubeProxy138 } from '../layouts/kube-proxy-138.js';
import { loadPeer } from '../layouts/load-peer.js';
import { readServices } from '../layouts/read-services.js';
import { emptyTables, staticRules } from '../layouts/static-rule.js';
import { toIPv6 } from '../layouts/write-fixed-part.js';
import { writeFlatRuleset } from '../layouts/write-ruleset.js';
import { openNamespace } from '../tools/open-namespace.js';
import { printTable } from '../tools/print-table.js';

/**
 * @typedef {import('../tools/open-namespace.js').Namespace} Namespace
 * @typedef {import('../generate-cluster.js').Family} Family
 * @typedef {import('../layouts/read-services.js').Service} Service
 * @typedef {'cold' | 'used' | 'established'} Kind
 * @typedef {{ p10: number, p50: number, p90: number }} Times in microseconds
 * @typedef {[address: string, port: number]} Place
 * @typedef {{
 *   title: string,
 *   load: (namespace: Namespace) => void,
 *   endpointsOf: (service: Service) => Place[],
 * }} Contestant `endpointsOf` is where packets to a Service go
 * @typedef {{ contestant: Contestant, path: string }} Loaded with its network namespace
 */

const program = new URL('../tools/send-packets.py', import.meta.url).pathname;
const endpoints = 10;
const rounds = 150;

/**
 * What packets cost in the kernel, with our ruleset and others.
 *
 * @param {number[]} sizes
 */
export async function measurePackets(sizes) {
  for (const services of sizes) {
    for (const family of /** @type {const} */ (['IPv4', 'IPv6'])) {
      await measureFamily(services, family);
    }
  }
}

/**
 * @param {number} services
 * @param {Family} family
 */
async function measureFamily(services, family) {
  const { items } = generateCluster({ services, endpoints, affinity: false, family });
  const known = readServices(items);
  const all = contestants(items, known, family);
  const namespaces = await Promise.all(all.map(openNamespace));
  try {
    for (const [index, { load }] of all.entries()) {
      load(/** @type {Namespace} */ (namespaces[index]));
    }
    const loaded = all.map((contestant, index) => ({ contestant, path: namespaces[index]?.path ?? '' }));
    await printPackets(loaded, known, family);
  } finally {
    await Promise.all(namespaces.map((namespace) => namespace.close()));
  }
}

/**
 * @param {Loaded[]} loaded
 * @param {Service[]} known
 * @param {Family} family
 */
async function printPackets(loaded, known, family) {
  const size = `${family}, ${known.length.toLocaleString('en')} Services with ${endpoints} endpoints each`;
  const translating = loaded.filter(({ contestant }) => contestant !== loaded[0]?.contestant);
  // Thousands of destinations slow down later packets of a namespace, whatever its rules are: new connections come last, and
  // all contestants have the same past.
  const direct = await measure(loaded, known, { family, kind: 'established', isDirect: true });
  const later = await measure(translating, known, { family, kind: 'established' });
  const cold = await measure(translating, known, { family, kind: 'cold' });
  const used = await measure(translating, known, { family, kind: 'used' });
  printTable(
    `First packets of connections, ${size}: to another Service each time, in no cache, and to one of ten Services. Microseconds, ` +
      'tenth percentile, median and ninetieth; x: medians compared with one static rule.',
    ['ruleset', 'in no cache', 'x', 'in use', 'x'],
    translating.map(({ contestant }, index) => [contestant.title, ...columns(cold, index), ...columns(used, index)]),
  );
  printTable(
    `Later packets of 200 connections to Services, ${size}; x: medians compared with one static rule.`,
    ['ruleset', 'established', 'x'],
    translating.map(({ contestant }, index) => [contestant.title, ...columns(later, index)]),
  );
  printTable(
    `Later packets of 200 connections from pod to pod, which no rule translates, ${size}; x: medians compared with an empty table.`,
    ['ruleset', 'established', 'x'],
    loaded.map(({ contestant }, index) => [contestant.title, ...columns(direct, index)]),
  );
}

/**
 * @param {Times[]} times the first is what the others are compared with
 * @param {number} index
 */
function columns(times, index) {
  const [first, { p10, p50, p90 }] = [/** @type {Times} */ (times[0]), /** @type {Times} */ (times[index])];
  return [[p10, p50, p90].map((time) => time.toFixed(2)).join(' / '), (p50 / first.p50).toFixed(3)];
}

/**
 * The first one is for what is not translated.
 *
 * @param {object[]} items
 * @param {Service[]} known
 * @param {Family} family
 * @returns {Contestant[]}
 */
function contestants(items, known, family) {
  return [
    { title: 'empty table', load: loader(emptyTables[family]), endpointsOf },
    {
      title: 'one static rule',
      load: loader(staticRules[family]),
      endpointsOf: () => [[family === 'IPv4' ? '10.128.0.0' : 'fd00:10:128::1', 8080]],
    },
    { title: 'bare dispatch', load: loader(writeBareDispatch(items)), endpointsOf },
    {
      title: kubeProxy138.title,
      load: (namespace) => loadPeer(namespace, kubeProxy138, known, family === 'IPv6' ? toIPv6 : undefined),
      endpointsOf,
    },
    { title: 'svc2nft', load: loader(writeFlatRuleset(items)), endpointsOf },
    { title: 'svc2nft --counters', load: loader(writeFlatRuleset(items, { counters: true })), endpointsOf },
  ];
}

/**
 * @param {Service} service
 * @returns {Place[]}
 */
function endpointsOf(service) {
  return service.endpoints.map(({ address, port }) => [address, port]);
}

/**
 * @param {string} text
 * @returns {Contestant['load']}
 */
function loader(text) {
  return (namespace) => {
    namespace.run(['nft', '-f', '-'], text);
  };
}

/**
 * @param {Loaded[]} loaded
 * @param {Service[]} known
 * @param {{ family: Family, kind: Kind, isDirect?: boolean }} how `isDirect`: to endpoints in place of cluster IPs
 * @returns {Promise<Times[]>} of each contestant
 */
async function measure(loaded, known, { family, kind, isDirect = false }) {
  const middle = /** @type {Service} */ (known[known.length >> 1]);
  const targetOf = (/** @type {Service} */ service) =>
    isDirect ? (service.endpoints[0]?.address ?? '') : service.clusterIP;
  const cases = loaded.map(({ contestant, path }) => ({
    namespace: path,
    kind,
    targets: known.map(targetOf),
    port: isDirect ? 8080 : 80,
    endpoints: { [targetOf(middle)]: isDirect ? [[targetOf(middle), 8080]] : contestant.endpointsOf(middle) },
  }));
  const { stdout } = await execa('python3', [program], { input: JSON.stringify({ family, rounds, cases }) });
  return JSON.parse(stdout);
}
