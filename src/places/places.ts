/** Who is at an address, for people to read; no rule depends on it. Types only. */

/** Who is at an address. Texts are empty where no object says. */
export interface Place {
  /** `namespace/name` of the Pod. */
  readonly pod: string;
  readonly nodeName: string;
  readonly zone: string;
}

/** A Pod that some object names. */
export interface PodPlace {
  /** Canonical, of any family. */
  readonly addresses: readonly string[];
  readonly nodeName: string;
}

/** All that a snapshot tells about places. */
export interface Places {
  /** By canonical address. A node's own address is no Pod's, so a Pod of the host network has no entry of its own. */
  readonly byAddress: ReadonlyMap<string, Place>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PodPlace>;
  /** Zone of each node that has one, by the node's name. */
  readonly zones: ReadonlyMap<string, string>;
  /** The name of each node by its canonical addresses. */
  readonly nodes: ReadonlyMap<string, string>;
}
