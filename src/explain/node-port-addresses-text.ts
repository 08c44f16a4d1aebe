import type { Knowledge } from './explain-context.ts';

/** Where node ports are open, and why: `nodePortAddresses is primary (192.0.2.11)`. */
export function nodePortAddressesText({ view, options }: Knowledge): string {
  const setting = options.nodePortAddresses.length > 0 ? options.nodePortAddresses.join(', ') : 'primary';
  const { nodePortAddresses } = view;
  const which =
    nodePortAddresses.kind === 'all'
      ? 'all addresses of the node but loopback'
      : nodePortAddresses.addresses.join(', ') || 'no address of this node';
  return `nodePortAddresses is ${setting} (${which})`;
}
