import { describeValue } from '../lib/unknown-values.ts';
import { parseAddress } from '../net/address.ts';
import { isPortNumber } from '../net/network.ts';

/** Where a server listens. */
export interface BindAddress {
  /** Undefined for all addresses, of both families: so kube-proxy reads 0.0.0.0 and ::, too. */
  readonly address: string | undefined;
  readonly port: number;
}

/** `0.0.0.0:10256`, `[::1]:10249`, or an address alone, which gets the default port; undefined for anything else. */
export function parseBindAddress(text: string, defaultPort: number): BindAddress | undefined {
  const [, bracketed, plain, portText] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text) ?? [];
  const port = portText === undefined ? defaultPort : Number(portText);
  const address = parseAddress(portText === undefined ? text : (bracketed ?? plain ?? ''))?.text;
  if (address === undefined || !isPortNumber(port)) {
    return undefined;
  }
  return { address: address === '0.0.0.0' || address === '::' ? undefined : address, port };
}

/** What is wrong with the text of a bind address, or undefined. */
export function bindAddressProblem(text: string): string | undefined {
  return parseBindAddress(text, 1)
    ? undefined
    : `${describeValue(text)} is not an address with a port; expected one such as 0.0.0.0:10256 or [::1]:10249`;
}

/** The servers of an agent: the fields of KubeProxyConfiguration, and kube-proxy's ports and addresses, for `bindAddress` of IPv4 and IPv6. */
export const servers = {
  healthz: { field: 'healthzBindAddress', port: 10256, defaults: { ip: '0.0.0.0', ip6: '::' } },
  metrics: { field: 'metricsBindAddress', port: 10249, defaults: { ip: '127.0.0.1', ip6: '::1' } },
} as const;
