/** What is asked about a packet, and what is found out before it is put into words. Types only. */

import type { EndpointSources } from '../../kubernetes/endpoint-sources.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import type { ServiceNote } from '../../kubernetes/service-notes.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { CompileOptions } from '../../options.ts';
import type {
  FrontendKind,
  LocalDetector,
  NodePortAddresses,
  NodeView,
  ServicePort,
} from '../../phases/3-model/model.ts';
import type { Fate, FateSummary, Memory, Packet } from '../../walk/fate.ts';
import type { Damage } from '../../walk/find-damage.ts';
import type { UnknownRuleMet } from './explanation.ts';
import type { PacketPath } from './read-path.ts';

/** A question about one packet. */
export interface Question {
  readonly packet: Packet;
  /** The one of the packet's family; undefined if there is no such table. */
  readonly ruleset: Ruleset | undefined;
  /** Whether the table is switched off (flags dormant). */
  readonly isDormant?: boolean;
  /** The node's own addresses, primary ones first. */
  readonly localAddresses: readonly string[];
  /** What earlier connections left in dynamic sets. */
  readonly memory?: Memory;
  /** The service port that the question names, and as what; absent if it gives an address. */
  readonly asked?: FrontendMatch;
  /** What is gone from the table; absent if nothing is known to be. */
  readonly damage?: Damage;
  /** Absent without a snapshot. */
  readonly knowledge?: Knowledge;
}

/** What a snapshot says about the cluster, in the packet's family. */
export interface Knowledge {
  readonly view: NodeView;
  readonly locations: Locations;
  readonly notes: readonly ServiceNote[];
  readonly sources: EndpointSources;
  readonly options: Pick<CompileOptions, 'nodePortAddresses'>;
}

/** Where a packet is sent. */
export type Destination = Pick<Packet, 'destination' | 'protocol' | 'port'>;

/** A question, and what the walk and the rules say about it. */
export interface Evidence extends Question {
  readonly ruleset: Ruleset;
  readonly settings: RuleSettings;
  /** Whether the node itself sends the packet. */
  readonly isFromNode: boolean;
  /** Whether the rules treat the client as a pod. */
  readonly isFromPod: boolean;
  /** Whether the rules open node ports at the destination. */
  readonly acceptsNodePorts: boolean;
  readonly fate: Fate;
  readonly summary: FateSummary;
  /** One for each outcome. */
  readonly paths: readonly [PacketPath, ...PacketPath[]];
  /**
   * The service ports that claim the destination, first the one that the rules give it to; empty without a snapshot.
   */
  readonly frontends: readonly FrontendMatch[];
  readonly notUnderstood: readonly UnknownRuleMet[];
}

/** Settings of the node, as the rules have them. The snapshot may have others by now. */
export interface RuleSettings {
  /** How pods are recognized; undefined if no rule does. */
  readonly detector: LocalDetector | undefined;
  /** Whether all traffic to cluster IPs is masqueraded. */
  readonly masqueradeAll: boolean;
  readonly nodePortAddresses: NodePortAddresses;
}

/** A service port that claims the packet's destination, and as what. */
export interface FrontendMatch {
  readonly servicePort: ServicePort;
  readonly kind: FrontendKind;
}
