// @ts-check
import { setTimeout } from 'node:timers/promises';
import { startAgent, startKubeProxy, startWithCluster } from '../contestants/start-proxies.js';
import { watchCommits } from '../tools/open-cluster.js';
import { formatTime, printTable } from '../tools/print-table.js';
import { median, percentile } from '../tools/statistics.js';
import { withFolder } from '../tools/with-folder.js';

/** kube-proxy's binary, to be measured in turn with the agent. */
const binary = process.env['KUBE_PROXY'];
/** Of kube-proxy, which takes minutes for more. */
const peerLimit = 10_000;
const startRounds = 3;
const changes = 100;
const peerChanges = 20;
/** In milliseconds. kube-proxy syncs at most once a second. */
const pause = { agent: 50, kubeProxy: 1_500 };
/** In milliseconds: what a program does after its start is over by then. */
const calm = 2_000;

/**
 * @typedef {import('../tools/open-cluster.js').Cluster} Cluster
 * @typedef {import('../contestants/start-proxies.js').Proxy} Proxy
 * @typedef {{ name: 'agent' | 'kubeProxy', start: (cluster: Cluster) => Proxy, limit: number }} Contestant
 */

/**
 * `svc2nft agent` against an API server, and kube-proxy where the environment names its binary (KUBE_PROXY).
 *
 * @param {number[]} sizes with 10 endpoints each
 */
export async function measureAgents(sizes) {
  /** @type {{ starts: string[][], changes: string[][] }} */
  const rows = { starts: [], changes: [] };
  await withFolder(async (folder) => {
    for (const services of sizes) {
      const contestants = list(folder, services);
      rows.starts.push([services.toLocaleString('en'), ...(await measureStarts(contestants, services))]);
      rows.changes.push([services.toLocaleString('en'), ...(await measureChanges(contestants, services))]);
    }
  });
  printTable(
    `From the start of the process until all rules are in force, ${startRounds} rounds in turn, and the memory of the agent then, with that of its nft ` +
      `processes beside it; medians. kube-proxy up to ${peerLimit.toLocaleString('en')} Services.`,
    ['Services', 'agent', 'memory', 'nft', 'kube-proxy', 'memory', 'kube-proxy / agent'],
    rows.starts,
  );
  printTable(
    `One change, from the API server's event until it is in force: medians and 99th percentiles of ${changes} changes, ${peerChanges} of kube-proxy, all in turn.`,
    ['Services', 'replace one', 'p99', 'add one', 'p99', 'kube-proxy, replace', 'add', 'x', 'x'],
    rows.changes,
  );
}

/**
 * @param {string} folder
 * @param {number} services
 * @returns {Contestant[]}
 */
function list(folder, services) {
  /** @type {Contestant[]} */
  const all = [{ name: 'agent', start: (cluster) => startAgent(cluster, folder), limit: Infinity }];
  if (binary !== undefined) {
    all.push({
      name: 'kubeProxy',
      start: (cluster) => startKubeProxy(cluster, { folder, services, binary }),
      limit: peerLimit,
    });
  }
  return all.filter(({ limit }) => services <= limit);
}

/**
 * @param {Contestant[]} contestants
 * @param {number} services
 */
async function measureStarts(contestants, services) {
  /** @type {Record<Contestant['name'], { times: number[], own: number[], children: number[] }>} */
  const results = { agent: { times: [], own: [], children: [] }, kubeProxy: { times: [], own: [], children: [] } };
  for (let round = 0; round < startRounds; round++) {
    for (const { name, start } of contestants) {
      const { proxy, time, close } = await startWithCluster(start, services);
      await setTimeout(calm);
      const { own, children } = proxy.memory();
      results[name].times.push(time);
      results[name].own.push(own);
      results[name].children.push(children);
      await close();
    }
  }
  const { agent, kubeProxy } = results;
  return [
    formatTime(median(agent.times)),
    `${median(agent.own).toFixed(0)} MB`,
    `${median(agent.children).toFixed(0)} MB`,
    ...(kubeProxy.times.length === 0
      ? ['', '', '']
      : [
          formatTime(median(kubeProxy.times)),
          `${median(kubeProxy.own).toFixed(0)} MB`,
          (median(kubeProxy.times) / median(agent.times)).toFixed(1),
        ]),
  ];
}

/**
 * @param {Contestant[]} contestants
 * @param {number} services
 */
async function measureChanges(contestants, services) {
  const running = [];
  for (const { name, start } of contestants) {
    const { cluster, close } = await startWithCluster(start, services);
    running.push({ name, cluster, close, commits: await watchCommits(cluster.node, 'events') });
  }
  await setTimeout(calm);
  /** @type {Record<Contestant['name'], { replace: number[], add: number[] }>} */
  const times = { agent: { replace: [], add: [] }, kubeProxy: { replace: [], add: [] } };
  for (let number = 0; number < changes; number++) {
    for (const { name, cluster, commits } of running) {
      if (name === 'agent' || number < peerChanges) {
        times[name].replace.push(await timeChange(cluster, commits.times, { kind: 'replace', number: 2 * number }));
        await setTimeout(pause[name]);
        times[name].add.push(await timeChange(cluster, commits.times, { kind: 'add', number: 2 * number + 1 }));
        await setTimeout(pause[name]);
      }
    }
  }
  for (const { commits, close } of running) {
    await commits.close();
    await close();
  }
  const { agent, kubeProxy } = times;
  const cells = [agent.replace, agent.add].flatMap((some) => [median(some), percentile(some, 99)].map(formatTime));
  if (kubeProxy.add.length === 0) {
    return [...cells, '', '', '', ''];
  }
  const ratios = [median(kubeProxy.replace) / median(agent.replace), median(kubeProxy.add) / median(agent.add)];
  return [
    ...cells,
    ...[kubeProxy.replace, kubeProxy.add].map((some) => formatTime(median(some))),
    ...ratios.map((ratio) => ratio.toFixed(0)),
  ];
}

/**
 * @param {Cluster} cluster
 * @param {number[]} commits
 * @param {{ kind: 'replace' | 'add', number: number }} change
 */
async function timeChange({ call }, commits, { kind, number }) {
  const before = commits.length;
  const sent = Number(await call(kind, number));
  for (let waited = 0; commits.length === before; waited++) {
    if (waited > 30_000) {
      throw new Error(`a change has not come into force in half a minute: ${kind} ${number}`);
    }
    await setTimeout(1);
  }
  return (commits[before] ?? Number.NaN) - sent;
}
