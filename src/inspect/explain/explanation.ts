/** The explanation of one packet: plain data, as `-o json` prints it. Types only. */

import type { EndpointLocation, LeftOutReason } from '../../frontends/endpoints.ts';
import type { Family, Protocol } from '../../net/network.ts';
import type { FrontendKind } from '../../phases/3-model/model.ts';
import type { RejectionAnswer, Share } from '../../walk/fate.ts';

/** Why a packet has its fate; programs may rely on these words. */
export type ReasonCode =
  // Translated: the kind of frontend.
  // `frontend`: the kind is unknown.
  | 'cluster-ip'
  | 'load-balancer-ip'
  | 'external-ip'
  | 'node-port'
  | 'frontend'
  // Refused or untouched, although the snapshot has the destination: the rules are older or newer.
  | 'not-in-rules'
  // Refused.
  | 'no-endpoints'
  | 'no-local-endpoints'
  | 'source-ranges'
  | 'unknown-port'
  | 'unallocated'
  // An endpoint is at an address that is refused itself.
  | 'refused-endpoint'
  | 'stale-pin'
  | 'missing-entry'
  | 'damaged-table'
  | 'foreign-rule'
  // Sent to an endpoint, but of another Service than the one that was asked about.
  | 'other-service'
  // Untouched.
  | 'node-port-closed'
  | 'no-such-node-port'
  | 'other-node'
  | 'node-unknown'
  | 'endpoint-itself'
  | 'wrong-port'
  | 'not-served'
  | 'headless'
  | 'external-name'
  | 'health-check-port'
  // The agent listens there.
  | 'localhost-node-port'
  | 'no-table'
  | 'dormant'
  | 'no-service'
  // Random, as it never is with rules of the compiler.
  | 'mixed';

/** Why an endpoint of the Service cannot receive the packet. */
export type LeftOutCode =
  | LeftOutReason
  /** It could receive the packet, but this ruleset does not have it. */
  | 'not-in-rules'
  /** The client keeps another endpoint (Service spec.sessionAffinity). */
  | 'other-pin'
  /** The packet is refused before an endpoint is picked. */
  | 'refused'
  /** Connections to it are refused, because its address is that of a Service. */
  | 'refused-endpoint'
  /** A Pod that the Service selects, of which no EndpointSlice has an address for the port. */
  | 'no-endpoint';

/** A rule, and the element that it matched. */
export interface RuleReference {
  readonly chain: string;
  /** Position in the chain, from 0. */
  readonly rule: number;
  /** As nft writes it, or iptables-save. */
  readonly nft: string;
  /**
   * `service-ips { 10.96.0.10 . tcp . 80 : goto tcp-cluster-3 }`; absent if the rule looked up no set or matched
   * nothing.
   */
  readonly element?: string;
}

/** One decision about the packet, in Kubernetes words, and the rules that make it. */
export interface ExplainedStep {
  readonly topic:
    | 'client'
    | 'source ranges'
    | 'frontend'
    | 'policy'
    | 'endpoints'
    | 'affinity'
    | 'source'
    | 'refusal'
    | 'no rule';
  readonly text: string;
  readonly rules: readonly RuleReference[];
}

/** An endpoint that the packet may be sent to. */
export interface PossibleEndpoint extends EndpointLocation {
  /** From 0 to 1; `share` is the exact value. */
  readonly probability: number;
  readonly share: Share;
  /** Whether the endpoint sees the node's address instead of the client's. */
  readonly masqueraded: boolean | 'mixed';
  /** `its pod does not declare port 8080`; absent if it does, declares none, or is not in the input. */
  readonly hint?: string;
}

/** An endpoint of the Service that the packet cannot be sent to, or a Pod that may become one; its `endpoint` is empty. */
export interface LeftOutEndpoint extends EndpointLocation {
  /** By its EndpointSlice or, of a Pod without an endpoint, by the status of the Pod. */
  readonly ready: boolean;
  readonly code: LeftOutCode;
  readonly reason: string;
}

/** A rule that was not understood, in a chain that the packet may enter. */
export interface UnknownRuleMet {
  readonly chain: string;
  /** Position in the chain, from 0. */
  readonly rule: number;
  /** As iptables-save prints it; absent for a rule of nft. */
  readonly line?: string;
}

/** The Service that the packet's destination belongs to. */
export interface ExplainedService {
  /** `namespace/name:port` or `namespace/name`. */
  readonly name: string;
  /** Empty where neither a snapshot nor the rules say it. */
  readonly type: FrontendKind | '';
}

/** Why a packet has its fate. */
export interface Reason {
  readonly code: ReasonCode;
  /** One clause. */
  readonly text: string;
  /** What else the client may run into: `its pod does not declare port 8080, but 9090 (http)`; absent if there is nothing. */
  readonly hint?: string;
}

/** The packet in question. Addresses are canonical. */
interface ExplainedPacket {
  readonly family: Family;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** The interface on which it arrives; null if it is not known. */
  readonly inputInterface: string | null;
}

/** The fate of a connection's first packet, and the reasons. */
export interface Explanation {
  /** Verdict and reason in one line: `DROPPED (the client times out): ...`. */
  readonly headline: string;
  /** Null for a Service that has no address, so that no packet is sent to it. */
  readonly packet: ExplainedPacket | null;
  /** Empty if no node is selected. */
  readonly node: string;
  readonly verdict: 'translated' | 'untouched' | 'rejected' | 'dropped' | 'mixed';
  /** How the client learns that its packet is rejected; null if it is not. */
  readonly rejectedWith: RejectionAnswer | 'mixed' | null;
  readonly reason: Reason;
  /** Null if the destination belongs to no Service. */
  readonly service: ExplainedService | null;
  /** The service port that the question names, and as which frontend; null for a question about an address. */
  readonly asked: ExplainedService | null;
  /** Whether the endpoint sees an address of the node as source. */
  readonly masqueraded: boolean | 'mixed';
  readonly endpoints: readonly PossibleEndpoint[];
  readonly leftOut: readonly LeftOutEndpoint[];
  /** Rules that the packet may meet and that were not understood: with them, the fate is not certain. */
  readonly notUnderstood: readonly UnknownRuleMet[];
  readonly steps: readonly ExplainedStep[];
}

/** What `--to` asks about: the worst explanation, with those of all frontends if it names several. */
export interface Answer extends Explanation {
  /** `2 of 3 frontends of shop/api fail; ...`; null unless `--to` names a Service. */
  readonly summary: string | null;
  /** The worst first; empty unless `--to` names a Service. */
  readonly frontends: readonly Explanation[];
}
