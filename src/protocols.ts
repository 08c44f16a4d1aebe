import type { Protocol } from './network.ts';

/** All transport protocols that Service ports have, in the order in which rulesets list them. */
export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];
