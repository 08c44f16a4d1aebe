// @ts-check
/** `client.js TITLE SOURCE URL COUNT`: opens that many connections, one after the other, and counts who answered. */
import { get } from 'node:http';

const [title = '', source = '', url = '', count = '0'] = process.argv.slice(2);
/** @type {Map<string, number>} */
const answers = new Map();
for (let number = 0; number < Number(count); number++) {
  const answer = await connect();
  answers.set(answer, (answers.get(answer) ?? 0) + 1);
}
process.stdout.write(`${title}\n  ${count} connections from ${source} to ${url}:\n`);
for (const [answer, times] of [...answers].sort()) {
  process.stdout.write(`  ${String(times).padStart(4)} x ${answer}\n`);
}

/** @returns {Promise<string>} */
function connect() {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, localAddress: source, timeout: 2_000 }, (response) => {
      response.setEncoding('utf8').on('data', (text) => {
        const { pod, client } = JSON.parse(text);
        resolve(`answered by pod ${pod}, which saw ${client}`);
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
}
