// @ts-check
import { nameChain } from './name-chain.js';
import { clusterCIDR, writeFixedPart } from './write-fixed-part.js';

/**
 * kube-proxy until 1.35: a chain for each Service, in it an anonymous verdict map, and a chain for each endpoint.
 *
 *     numgen random mod 2 vmap { 0 : goto endpoint-NPZTBDHC-... , 1 : goto endpoint-6WXBHUHT-... }
 *
 * @type {import('./layout.js').PeerLayout}
 */
export const kubeProxy135 = {
  title: 'kube-proxy 1.35',
  fixedPart: writeFixedPart([
    ['masquerading', 'mark and 0x4000 == 0 return'],
    ['masquerading', 'mark set mark xor 0x4000'],
    ['masquerading', 'masquerade fully-random'],
    ['mark-for-masquerade', 'mark set mark or 0x4000'],
  ]),
  writeService: (service) => `${writeChains(service)}${writeElements(service)}`,
  writeChange: writeChains,
};

/**
 * A changed Service has all its chains written again, those of its unchanged endpoints too.
 *
 * @param {import('./read-services.js').Service} service
 */
function writeChains(service) {
  const { clusterIP, endpoints } = service;
  const chain = `service-${nameChain(service)}`;
  const targets = endpoints.map((endpoint) => `endpoint-${nameChain(service, endpoint)}`);
  const elements = targets.map((target, index) => `${index} : goto ${target}`).join(' , ');
  return [
    ...[chain, ...targets].flatMap((name) => [`add chain ip kube-proxy ${name}`, `flush chain ip kube-proxy ${name}`]),
    rule(chain, `ip daddr ${clusterIP} ip saddr != ${clusterCIDR} jump mark-for-masquerade`),
    rule(chain, `numgen random mod ${endpoints.length} vmap { ${elements} }`),
    ...endpoints.flatMap(({ address, port }, index) => [
      rule(`${targets[index]}`, `ip saddr ${address} jump mark-for-masquerade`),
      rule(`${targets[index]}`, `meta l4proto tcp dnat to ${address}:${port}`),
    ]),
    '',
  ].join('\n');
}

/** @param {import('./read-services.js').Service} service */
function writeElements(service) {
  const { clusterIP, port } = service;
  return [
    `add element ip kube-proxy cluster-ips { ${clusterIP} }`,
    `add element ip kube-proxy service-ips { ${clusterIP} . tcp . ${port} : goto service-${nameChain(service)} }`,
    '',
  ].join('\n');
}

/**
 * @param {string} chain
 * @param {string} text
 */
function rule(chain, text) {
  return `add rule ip kube-proxy ${chain} ${text}`;
}
