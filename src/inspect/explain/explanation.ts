/** What is told about one packet: plain data that JSON can hold. Types only. */

import type { EndpointPlace, LeftOutReason } from '../../frontends/endpoints.ts';
import type { Family, Protocol } from '../../net/network.ts';
import type { Share } from '../../walk/fate.ts';
import type { UnknownRuleMet } from './find-unknown-rules.ts';

/** Why a packet ends as it does; a closed list. */
export type ReasonCode =
  // Sent to an endpoint, because of what it was sent to.
  | 'cluster-ip'
  | 'load-balancer-ip'
  | 'external-ip'
  | 'node-port'
  | 'frontend'
  // Refused or left alone, though the snapshot has it: the rules are others.
  | 'not-in-rules'
  // Refused.
  | 'no-endpoints'
  | 'no-local-endpoints'
  | 'source-ranges'
  | 'unknown-port'
  | 'unallocated'
  | 'stale-pin'
  | 'missing-entry'
  | 'foreign-rule'
  // Left alone.
  | 'node-port-closed'
  | 'no-such-node-port'
  | 'other-node'
  | 'node-unknown'
  | 'endpoint-itself'
  | 'wrong-port'
  | 'not-served'
  | 'health-check-port'
  | 'no-table'
  | 'dormant'
  | 'no-service'
  // Chance decides, as no ruleset of the compiler lets it.
  | 'mixed';

/** Why an endpoint of the Service gets nothing of this packet's like. */
export type LeftOutCode =
  | LeftOutReason
  /** It is as good as the others, and this ruleset does not have it. */
  | 'not in rules'
  /** The client keeps another one (Service spec.sessionAffinity). */
  | 'other pin'
  /** The packet is refused before an endpoint is looked for. */
  | 'refused';

/** A rule of the ruleset, and the element that it found. */
export interface RuleReference {
  readonly chain: string;
  /** Position in the chain, from 0. */
  readonly rule: number;
  /** In nft's words. */
  readonly nft: string;
  /** `service-ips { 10.96.0.10 . tcp . 80 : goto tcp-cluster-3 }`; absent where the rule asked no set or found nothing. */
  readonly element?: string;
}

/** One decision on the way, in Kubernetes words, and the rules that make it. */
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
export interface PossibleEndpoint extends EndpointPlace {
  /** From 0 to 1, and the same exactly. */
  readonly probability: number;
  readonly share: Share;
  /** Whether the endpoint sees the node's address in place of the client's. */
  readonly masqueraded: boolean | 'mixed';
}

/** An endpoint of the Service that the packet cannot be sent to. */
export interface LeftOutEndpoint extends EndpointPlace {
  readonly code: LeftOutCode;
  readonly reason: string;
}

/** The Service that a packet has to do with. */
export interface ExplainedService {
  /** `namespace/name:port` or `namespace/name`. */
  readonly name: string;
  /** `clusterIP`, `externalIP`, `load balancer IP`, `node port`; empty where only the ruleset is known. */
  readonly frontend: string;
}

/** The packet that was asked about. Addresses are canonical. */
interface ExplainedPacket {
  readonly family: Family;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** The interface that it arrives at; null where none is known. */
  readonly inputInterface: string | null;
}

/** The fate of a connection's first packet, and the reasons. */
export interface Explanation {
  readonly packet: ExplainedPacket;
  /** Empty where no node is named. */
  readonly node: string;
  readonly verdict: 'translated' | 'untouched' | 'rejected' | 'dropped' | 'mixed';
  readonly reason: { readonly code: ReasonCode; readonly text: string };
  /** Null where no Service has to do with it. */
  readonly service: ExplainedService | null;
  /** Whether what arrives has a source of the node's. */
  readonly masqueraded: boolean | 'mixed';
  readonly endpoints: readonly PossibleEndpoint[];
  readonly leftOut: readonly LeftOutEndpoint[];
  /** Rules on the way that nobody understands, in a ruleset that others have changed: with them nothing is certain. */
  readonly notUnderstood: readonly UnknownRuleMet[];
  readonly steps: readonly ExplainedStep[];
}
