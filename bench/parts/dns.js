// @ts-check
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import dnsPacket from 'dns-packet';
import { execa } from 'execa';
import { generateCluster } from '../generate-cluster.js';
import { formatTime, printTable } from '../tools/print-table.js';
import { median, percentile } from '../tools/statistics.js';
import { withFolder } from '../tools/with-folder.js';

const program = new URL('../../bin/svc2nft.js', import.meta.url).pathname;
const rounds = 10;
const queries = 2_000;
/** Of queries at once. */
const window = 50;

/**
 * `svc2nft dns --serve` beside BIND with the zones that `svc2nft dns --zones` writes, at loopback addresses.
 *
 * @param {number[]} sizes
 */
export async function measureDns(sizes) {
  /** @type {string[][]} */
  const rows = [];
  for (const services of sizes) {
    await withFolder(async (folder) => {
      rows.push(...(await measureServers(folder, services)));
    });
  }
  printTable(
    `Queries over UDP for the A record of a random Service, 10 endpoints each, ${rounds} rounds of ${queries.toLocaleString('en')} in turn. ` +
      '"one by one": the time from a query to its answer, with the client\'s own; the worst tenth is left out of "p90". ' +
      `"at once": answers per second with ${window} queries under way.`,
    ['Services', 'server', 'one by one', 'p90', 'at once'],
    rows,
  );
}

/**
 * @param {string} folder
 * @param {number} services
 */
async function measureServers(folder, services) {
  const input = join(folder, 'cluster.json');
  const zones = join(folder, 'zones');
  const { items } = generateCluster({ services, endpoints: 10 });
  writeFileSync(input, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await execa('node', [program, 'dns', input, '--zones', zones]);
  const listen = 'listen-on port 5301 { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none;';
  await execa('sed', [
    '-i',
    `s/directory "."/directory "${zones.replaceAll('/', '\\/')}"/; s/^options {/& ${listen}/`,
    join(zones, 'named.conf'),
  ]);
  const servers = [
    {
      name: 'svc2nft',
      port: 5302,
      process: execa('node', [program, 'dns', input, '--serve', '127.0.0.1:5302'], { reject: false }),
    },
    { name: 'BIND', port: 5301, process: execa('named', ['-g', '-c', join(zones, 'named.conf')], { reject: false }) },
  ];
  const names = items.flatMap((item) => {
    const { kind, metadata } = /** @type {{ kind: string, metadata: { name: string, namespace: string } }} */ (item);
    return kind === 'Service' ? [`${metadata.name}.${metadata.namespace}.svc.cluster.local`] : [];
  });
  try {
    const clients = await Promise.all(servers.map(({ port }) => openClient(port, names)));
    /** @type {{ times: number[], rates: number[] }[]} */
    const results = servers.map(() => ({ times: [], rates: [] }));
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, client] of clients.entries()) {
        results[index]?.times.push(...(await client.askOneByOne(round)));
        results[index]?.rates.push(await client.askAtOnce(round));
      }
    }
    for (const client of clients) {
      client.close();
    }
    return servers.map(({ name }, index) => {
      const { times, rates } = results[index] ?? { times: [], rates: [] };
      const rate = Math.round(median(rates)).toLocaleString('en');
      return [services.toLocaleString('en'), name, formatTime(median(times)), formatTime(percentile(times, 90)), rate];
    });
  } finally {
    for (const { process } of servers) {
      process.kill();
    }
    await Promise.all(servers.map(({ process }) => process));
  }
}

/**
 * A client of a server, once it answers.
 *
 * @param {number} port
 * @param {string[]} names
 */
async function openClient(port, names) {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const queryOf = (/** @type {number} */ number) => {
    const name = names[(number * 7919) % names.length] ?? '';
    return dnsPacket.encode({ type: 'query', id: number & 0xffff, questions: [{ type: 'A', name }] });
  };
  for (let attempt = 0; !(await isAnswered(socket, queryOf(attempt))); attempt += 1) {
    if (attempt > 300) {
      throw new Error(`no answer at port ${port}`);
    }
  }
  return {
    askOneByOne: async (/** @type {number} */ round) => {
      const times = [];
      for (let number = 0; number < queries; number += 1) {
        const query = queryOf(round * queries + number);
        const begun = performance.now();
        socket.send(query);
        const [answer] = await once(socket, 'message');
        times.push(performance.now() - begun);
        expectAnswer(answer);
      }
      return times;
    },
    askAtOnce: (/** @type {number} */ round) => askAtOnce(socket, (number) => queryOf(round * queries + number)),
    close: () => socket.close(),
  };
}

/**
 * @param {import('node:dgram').Socket} socket
 * @param {(number: number) => Buffer} queryOf
 * @returns {Promise<number>} answers per second
 */
function askAtOnce(socket, queryOf) {
  return new Promise((resolve) => {
    let [sent, received] = [0, 0];
    const begun = performance.now();
    const send = () => {
      socket.send(queryOf(sent));
      sent += 1;
    };
    const receive = (/** @type {Buffer} */ answer) => {
      expectAnswer(answer);
      received += 1;
      if (received === queries) {
        socket.off('message', receive);
        resolve((1_000 * queries) / (performance.now() - begun));
      } else if (sent < queries) {
        send();
      }
    };
    socket.on('message', receive);
    for (let number = 0; number < window; number += 1) {
      send();
    }
  });
}

/** @param {Buffer} answer */
function expectAnswer(answer) {
  if (dnsPacket.decode(answer).answers?.length !== 1) {
    throw new Error('an answer without an address');
  }
}

/**
 * @param {import('node:dgram').Socket} socket
 * @param {Buffer} query
 */
async function isAnswered(socket, query) {
  // A server that does not listen yet refuses the datagram, which is an error of the socket.
  const answered = once(socket, 'message').then(
    () => true,
    () => false,
  );
  socket.send(query);
  const isThere = await Promise.race([answered, sleep(100, false)]);
  if (!isThere) {
    await sleep(100);
  }
  return isThere;
}
