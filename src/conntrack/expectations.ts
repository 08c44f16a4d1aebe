/** Which UDP flows a node may have, for one family. Types only. */
import type { Family } from '../network.ts';

/** Where clients find a UDP service port: an address (cluster, load balancer or external IP) and port, or a node port. */
export type UdpFrontend = { readonly address: string; readonly port: number } | { readonly nodePort: number };

/** The sockets, as socketText writes them, that may answer for a frontend; empty when nothing may. */
export type AnsweringSockets = ReadonlySet<string>;

/** What expectUdp makes and findStaleFlows compares with. A flow to a place that does not occur here is not ours. */
export interface UdpExpectations {
  readonly family: Family;
  /** By address and port, as socketText writes them. */
  readonly sockets: ReadonlyMap<string, AnsweringSockets>;
  readonly nodePorts: ReadonlyMap<number, AnsweringSockets>;
  /** The only addresses at which a port number means a node port. */
  readonly nodePortAddresses: ReadonlySet<string>;
}
