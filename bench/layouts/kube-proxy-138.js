// @ts-check
import { nameChain } from './name-chain.js';
import { clusterCIDR, writeFixedPart } from './write-fixed-part.js';

/**
 * kube-proxy at 1.38 (semantics since 1.36): a chain for each Service, in it one rule with an anonymous map.
 *
 *     meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.128.0.0 . 8080 , 1 : 10.128.0.1 . 8080 }
 *
 * @type {import('./layout.js').PeerLayout}
 */
export const kubeProxy138 = {
  title: 'kube-proxy 1.38',
  fixedPart: writeFixedPart([
    ['masquerading', 'mark and 0x4000 != 0 mark set mark xor 0x4000 masquerade fully-random'],
    [
      'masquerading',
      'ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random',
    ],
    ['services', `ip daddr @cluster-ips ip saddr != ${clusterCIDR} mark set mark or 0x4000`],
  ]),
  writeService: (service) => `${writeChain(service)}${writeElements(service)}`,
  writeChange: writeChain,
};

/** @param {import('./read-services.js').Service} service */
function writeChain(service) {
  const chain = `ip kube-proxy service-${nameChain(service)}`;
  const { endpoints } = service;
  const elements = endpoints.map(({ address, port }, index) => `${index} : ${address} . ${port}`).join(' , ');
  const target = `numgen random mod ${endpoints.length} map { ${elements} }`;
  const rule = `add rule ${chain} meta l4proto tcp dnat ip addr . port to ${target}`;
  return `add chain ${chain}\nflush chain ${chain}\n${rule}\n`;
}

/** @param {import('./read-services.js').Service} service */
function writeElements(service) {
  const { clusterIP, port, endpoints } = service;
  const lines = [
    `cluster-ips { ${clusterIP} }`,
    `service-ips { ${clusterIP} . tcp . ${port} : goto service-${nameChain(service)} }`,
    ...endpoints
      .filter(({ isLocal }) => isLocal)
      .map((local) => `hairpin-connections { ${local.address} . ${local.address} . tcp . ${local.port} }`),
  ];
  return lines.map((line) => `add element ip kube-proxy ${line}\n`).join('');
}
