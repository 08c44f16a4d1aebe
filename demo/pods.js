// @ts-check
/** Serves HTTP at every address given; each answer says which address was reached and which client was seen. */
import { createServer } from 'node:http';

const addresses = process.argv.slice(2);
for (const address of addresses) {
  createServer((request, response) => {
    response.end(JSON.stringify({ pod: address, client: request.socket.remoteAddress }));
  }).listen(8080, address);
}
