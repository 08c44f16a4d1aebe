/** What people are told of an endpoint, whatever a packet meets. Types only. */

/** What an EndpointSlice says of an endpoint (EndpointConditions). */
export type EndpointState =
  | 'ready'
  | 'not ready'
  /** It serves while it terminates: used while no endpoint is ready. */
  | 'terminating'
  /** It terminates and no longer serves. */
  | 'not serving';

/** Why an endpoint that a Service has gets no connections at a frontend. */
export type LeftOutReason =
  | Exclude<EndpointState, 'ready'>
  /** Policy Local, and it runs elsewhere. */
  | 'not local'
  /** The hints of the endpoints keep this node's connections to endpoints for this node, or its zone. */
  | 'other node'
  | 'other zone';

/** An endpoint, and who is there. Texts are empty where nobody says. */
export interface EndpointPlace {
  /** `10.1.2.3:8080`, `[fd00::1]:8080`. */
  readonly endpoint: string;
  /** `namespace/name`. */
  readonly pod: string;
  readonly node: string;
  readonly zone: string;
}
