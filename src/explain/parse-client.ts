import { canonicalAddress } from '../address.ts';

/** Who sends the packet, as `--from` names it. */
export type ClientName =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'outside' | 'node' }
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string };

const forms = 'give an address, outside, node or pod:NAMESPACE/NAME';

/** Reads `10.1.2.3`, `outside`, `node` or `pod:NAMESPACE/NAME`; a text that says what is wrong for anything else. */
export function parseClient(text: string): ClientName | string {
  if (text === 'outside' || text === 'node') {
    return { kind: text };
  }
  if (text.startsWith('pod:')) {
    const [namespace = '', name = '', ...rest] = text.slice('pod:'.length).split('/');
    return namespace !== '' && name !== '' && rest.length === 0
      ? { kind: 'pod', namespace, name }
      : 'a Pod is named pod:NAMESPACE/NAME, such as pod:shop/web-1';
  }
  const address = canonicalAddress(text.replace(/^\[(.*)\]$/, '$1'));
  return address === undefined ? `it is no address; ${forms}` : { kind: 'address', address };
}
