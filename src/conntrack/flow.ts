/** Entries of the kernel's connection table, as far as it takes to tell the stale ones. Types only. */
import type { Socket } from '../network.ts';

/** One tracked UDP flow, without its client: nothing depends on who that is. Addresses are canonical, of one family. */
export interface UdpFlow {
  /** Where the client sent its first packet to, before any translation. */
  readonly originalDestination: Socket;
  /** Where answers come from: the endpoint, or the original destination itself when nothing was translated. */
  readonly replySource: Socket;
}
