import type { Findings } from './explain-context.ts';

/** Where node ports are open, by the rules, and the setting that made it so: `nodePortAddresses is primary (192.0.2.11)`. */
export function nodePortAddressesText({ facts: { nodePortAddresses }, knowledge }: Findings): string {
  const which =
    nodePortAddresses.kind === 'all'
      ? 'all addresses of the node but loopback'
      : nodePortAddresses.addresses.join(', ') || 'no address of this node';
  if (!knowledge || JSON.stringify(knowledge.view.nodePortAddresses) !== JSON.stringify(nodePortAddresses)) {
    return `these rules open node ports at ${which}`;
  }
  const setting = knowledge.options.nodePortAddresses.join(', ') || 'primary';
  return `nodePortAddresses is ${setting} (${which})`;
}
