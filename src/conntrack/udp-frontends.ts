import { setNames } from '../phases/5-plan/names.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import type { UdpFrontend } from './expectations.ts';

/**
 * The UDP frontends that a ruleset serves or refuses, each once, in the order in which its maps have them. The ruleset
 * may come from the compiler or from the kernel: only the keys of its verdict maps are read.
 */
export function udpFrontends(ruleset: Ruleset): UdpFrontend[] {
  return [...frontendsByKey(ruleset).values()];
}

/** The UDP frontends of one ruleset that another one of the same family lacks: whatever is left of their flows is stale. */
export function goneFrontends(before: Ruleset, after: Ruleset): UdpFrontend[] {
  const kept = frontendsByKey(after);
  return [...frontendsByKey(before)].filter(([key]) => !kept.has(key)).map(([, frontend]) => frontend);
}

const frontendMaps: readonly string[] = [
  setNames.serviceIps,
  setNames.serviceNodePorts,
  setNames.noEndpointServices,
  setNames.noEndpointNodePorts,
];

function frontendsByKey({ sets }: Ruleset): Map<string, UdpFrontend> {
  const frontends = new Map<string, UdpFrontend>();
  for (const { elements } of sets.filter(({ name }) => frontendMaps.includes(name))) {
    for (const { key } of elements) {
      const frontend = readKey(key);
      if (frontend) {
        frontends.set(key, frontend);
      }
    }
  }
  return frontends;
}

/** `10.96.0.10 . udp . 53` or `udp . 30053`. */
function readKey(key: string): UdpFrontend | undefined {
  const [port, protocol, address] = key.split(' . ').reverse();
  if (protocol !== 'udp') {
    return undefined;
  }
  return address === undefined ? { nodePort: Number(port) } : { address, port: Number(port) };
}
