// @ts-check
import { createHash } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * What kube-proxy appends to `service-` for a Service's port `http`: eight characters of base32 of the SHA-256 of the
 * readable part, then that part.
 *
 * @param {import('./read-services.js').Service} service
 * @param {import('./read-services.js').Endpoint} [endpoint] whose chain it is, if it is that of an endpoint
 */
export function nameChain({ namespace, name }, endpoint) {
  const service = `${namespace}/${name}/tcp/http`;
  const readable = endpoint ? `${service}__${endpoint.address}/${endpoint.port}` : service;
  return `${hash(readable)}-${readable}`;
}

/** @param {string} text */
function hash(text) {
  let bits = createHash('sha256').update(text).digest().readBigUInt64BE() >> 24n;
  let letters = '';
  for (let count = 0; count < 8; count++) {
    letters = `${alphabet[Number(bits & 31n)]}${letters}`;
    bits >>= 5n;
  }
  return letters;
}
