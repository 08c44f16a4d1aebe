import ipaddr from 'ipaddr.js';

/** The address that is numerically nearest to another one, all canonical and of one family; undefined for none. */
export function nearestAddress(wanted: string, addresses: readonly string[]): string | undefined {
  const target = numberOf(wanted);
  let nearest: string | undefined;
  let least: bigint | undefined;
  for (const address of addresses) {
    const difference = numberOf(address) - target;
    const distance = difference < 0n ? -difference : difference;
    if (least === undefined || distance < least) {
      nearest = address;
      least = distance;
    }
  }
  return nearest;
}

function numberOf(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}
