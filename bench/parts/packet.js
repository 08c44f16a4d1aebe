// @ts-check
import { execa } from 'execa';
import { generateCluster } from '../generate-cluster.js';
import { kubeProxy135 } from '../layouts/kube-proxy-135.js';
import { kubeProxy138 } from '../layouts/kube-proxy-138.js';
import { loadPeer } from '../layouts/load-peer.js';
import { readServices } from '../layouts/read-services.js';
import { staticRule } from '../layouts/static-rule.js';
import { writeFlatRuleset } from '../layouts/write-ruleset.js';
import { openNamespace } from '../tools/open-namespace.js';
import { printTable } from '../tools/print-table.js';

/**
 * @typedef {import('../tools/open-namespace.js').Namespace} Namespace
 * @typedef {{ title: string, services: number, endpoints: number | null, load: (namespace: Namespace) => void }} Case
 * @typedef {'packet' | 'connect'} Call
 * @typedef {'same' | 'other'} Target
 */

const program = new URL('../tools/send-packets.py', import.meta.url).pathname;
const endpoints = 10;
/** Of kube-proxy's layouts; larger ones take long to load. */
const peerLimit = 5_000;
const rounds = 100;

/**
 * What the first packet of a connection costs in the kernel, with our ruleset and others.
 *
 * @param {number[]} sizes
 */
export async function measurePackets(sizes) {
  const cases = [...references(), ...sizes.flatMap(rulesetsOf)];
  const namespaces = await Promise.all(cases.map(openNamespace));
  try {
    for (const [index, { load }] of cases.entries()) {
      load(/** @type {Namespace} */ (namespaces[index]));
    }
    const task = cases.map((one, index) => ({
      namespace: namespaces[index]?.path,
      services: one.services,
      endpoints: one.endpoints,
    }));
    const { stdout } = await execa('python3', [program], { input: JSON.stringify({ rounds, cases: task }) });
    printResult(cases, JSON.parse(stdout));
  } finally {
    await Promise.all(namespaces.map((namespace) => namespace.close()));
  }
}

/** @returns {Case[]} */
function references() {
  return [
    { title: 'no rules', services: 10, endpoints: null, load: () => {} },
    { title: 'one static rule', services: 10, endpoints: 0, load: (namespace) => load(namespace, staticRule) },
  ];
}

/**
 * @param {number} services
 * @returns {Case[]}
 */
function rulesetsOf(services) {
  const { items } = generateCluster({ services, endpoints, affinity: false });
  const layouts = services > peerLimit ? [] : [kubeProxy138, kubeProxy135];
  return [
    { title: 'svc2nft', services, endpoints, load: (namespace) => load(namespace, writeFlatRuleset(items)) },
    ...layouts.map((layout) => ({
      title: layout.title,
      services,
      endpoints,
      load: (/** @type {Namespace} */ namespace) => loadPeer(namespace, layout, readServices(items)),
    })),
  ];
}

/**
 * @param {Namespace} namespace
 * @param {string} text
 */
function load(namespace, text) {
  namespace.run(['nft', '-f', '-'], text);
}

/**
 * @param {Case[]} cases
 * @param {Record<Call, Record<Target, number[]>>} result
 */
function printResult(cases, result) {
  const columns = [result.packet.same, result.packet.other, result.connect.same, result.connect.other];
  const reference = cases.findIndex(({ title }) => title === 'one static rule');
  printTable(
    `First packets of connections, medians of ${rounds * 100} each, rulesets in turn, in microseconds and as multiples of one ` +
      'static rule. A packet: a TCP SYN through a raw socket. connect(): the system call of a TCP client. Either to one ' +
      'Service again and again, or to another Service each time, whose rules are in no cache.',
    ['ruleset', 'Services', 'packet', 'x', 'other Service', 'x', 'connect()', 'x', 'other Service', 'x'],
    cases.map(({ title, services, endpoints: number }, index) => [
      title,
      number === endpoints ? services.toLocaleString('en') : '',
      ...columns.flatMap((column) => [
        (column[index] ?? Number.NaN).toFixed(2),
        ((column[index] ?? Number.NaN) / (column[reference] ?? Number.NaN)).toFixed(2),
      ]),
    ]),
  );
}
