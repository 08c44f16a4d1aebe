/**
 * What a change of a cluster means for the clients of its Services. Types only; plain data, and what `whatif -o json` prints. Shares are
 * numbers from 0 to 1. Internal clients are Pods and nodes that connect to cluster IPs; external ones connect from outside to node ports,
 * load balancers and external IPs, by the node on which they arrive. Each node weighs the same.
 */

/** What becomes of new connections of some clients. */
export interface Treatment {
  /** `refused`: an answer says so; `dropped`: none comes; `absent`: there is no frontend for them. */
  readonly verdict: 'served' | 'refused' | 'dropped' | 'absent';
  /** How many endpoints share them, evenly. */
  readonly endpoints: number;
  /** Whether endpoints see the client's address; null unless it is served. */
  readonly keepsSource: boolean | null;
}

export type Clients = 'internal' | 'external';

/** A change for the clients of some nodes, or of all. */
export interface TreatmentChange {
  readonly clients: Clients;
  /** Sorted; those that are there before and after. */
  readonly nodes: readonly string[];
  readonly isEverywhere: boolean;
  readonly before: Treatment;
  readonly after: Treatment;
}

/** The share of new connections that an endpoint gets, averaged over the nodes that serve some; 0 if it gets none. */
export interface ShareChange {
  readonly clients: Clients;
  /** `10.244.1.11:8080` */
  readonly endpoint: string;
  /** `namespace/name`; these are empty if they are not known. */
  readonly pod: string;
  readonly node: string;
  readonly zone: string;
  readonly before: number;
  readonly after: number;
  /** Nothing is at its address any more; over UDP: it is no longer an endpoint. Connections to it break. */
  readonly gone: boolean;
}

/** A share before and after; null where there are no connections, or zones are not known. */
export interface Shift {
  readonly before: number | null;
  readonly after: number | null;
}

/** What changes for the clients of a service port, the worst first. */
export const effects = [
  /** No endpoint is left for anybody. */
  'outage',
  /** Some clients are refused or dropped that were not before. */
  'partial-outage',
  /** A frontend is gone. */
  'frontend-removed',
  /** External clients are masqueraded that were not before. */
  'source-lost',
  /** Clients no longer keep their endpoint. */
  'affinity-lost',
  /** Endpoints are gone, and with them existing connections. */
  'connections-broken',
  /** Which sources may use load balancers changes. */
  'source-ranges',
  /** Endpoints get other shares of new connections. */
  'shares',
  /** The share of new connections that leave their zone changes. */
  'cross-zone',
  /** Some clients are served that were not before. */
  'served-again',
  'frontend-added',
  'source-kept',
  'affinity-gained',
] as const;

export type ClientEffect = (typeof effects)[number];

/** A service port in one family for which something changes. */
export interface PortChange {
  readonly namespace: string;
  readonly service: string;
  /** Empty for an unnamed port. */
  readonly portName: string;
  readonly protocol: string;
  readonly family: 'ip' | 'ip6';
  /** The worst first. */
  readonly effects: readonly ClientEffect[];
  readonly treatments: readonly TreatmentChange[];
  readonly shares: readonly ShareChange[];
  /** `10.96.0.10:80`, node ports as `*:30080`. */
  readonly frontendsRemoved: readonly string[];
  readonly frontendsAdded: readonly string[];
  /** The share of existing connections whose endpoint is gone, of each kind of clients; null where there are none. */
  readonly broken: { readonly internal: number | null; readonly external: number | null };
  readonly affinitySeconds: { readonly before: number; readonly after: number };
  readonly sourceRanges: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** Of internal clients. */
  readonly crossZone: Shift;
}

/** The share of new connections to cluster IPs whose endpoint is in another zone; each service port weighs the same. */
export interface CrossZone extends Shift {
  readonly zones: readonly ({ readonly zone: string } & Shift)[];
}

/** What is done, in the words of the command line: `drain node-2`. */
export interface NamedChange {
  readonly kind: 'scale' | 'drain' | 'lose-zone' | 'set' | 'with';
  readonly text: string;
}

/** Everything that changes. */
export interface WhatIf {
  readonly changes: readonly NamedChange[];
  readonly nodes: { readonly before: number; readonly after: number; readonly lost: readonly string[] };
  /** Null where the input has none. */
  readonly pods: {
    readonly before: number;
    readonly after: number;
    readonly gone: number;
    readonly created: number;
  } | null;
  readonly servicePorts: { readonly before: number; readonly after: number };
  readonly crossZone: CrossZone;
  /** Those with the worst effects first, then by name. */
  readonly items: readonly PortChange[];
}
