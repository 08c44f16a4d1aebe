// @ts-check
/*
 * An API server in a process of its own, for agents in network namespaces: `node run-api-server.js [OPTIONS-FILE]`, options as JSON. Reads
 * calls from stdin, a line each: `["apply", {...}]`; answers each with a line, the result or null. Its first line is the URL.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ApiServer } from './api-server.js';

const [file] = process.argv.slice(2);
const server = new ApiServer(file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8')));
await server.listen();
process.stdout.write(`${JSON.stringify(server.url)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [method, ...args] = JSON.parse(line);
  const result = await /** @type {any} */ (server)[method](...args);
  process.stdout.write(`${JSON.stringify(result ?? null)}\n`);
}
await server.close();
