/** What nft 1.0.6 prints of a map of family ip in table svc2nft, with counters unless `isCounted` says otherwise. */
export function listCountedMap(name: string, elements: readonly unknown[], isCounted = true): string {
  const types = name.endsWith('endpoints')
    ? { type: ['ipv4_addr', 'inet_service', 'integer'], map: 'ipv4_addr . inet_service' }
    : { type: ['ipv4_addr', 'inet_proto', 'inet_service'], map: 'verdict' };
  const map = { family: 'ip', name, table: 'svc2nft', ...types, handle: 1, comment: 'c', elem: elements };
  const stmt = isCounted ? { stmt: [{ counter: null }] } : {};
  return JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6' } }, { map: { ...map, ...stmt } }] });
}

/** A frontend at TCP port 80 that has counted packets. */
export function countedFrontend(address: string, comment: string, packets: number, chain = 'tcp-cluster-1'): unknown {
  const details = { val: { concat: [address, 'tcp', 80] }, comment, counter: { packets, bytes: packets * 60 } };
  return [{ elem: details }, { goto: { target: chain } }];
}

/** The first endpoint of a frontend at TCP port 80. */
export function countedEndpoint(address: string, endpoint: string, packets: number): unknown {
  const details = { val: { concat: [address, 80, 0] }, counter: { packets, bytes: packets * 60 } };
  return [{ elem: details }, { concat: [endpoint, 8080] }];
}
