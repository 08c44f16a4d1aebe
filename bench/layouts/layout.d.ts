import type { Service } from './read-services.js';

/** A ruleset that kube-proxy would write, as nft commands, one on a line. */
export interface PeerLayout {
  readonly title: string;
  /** Everything that no Service owns. */
  readonly fixedPart: string;
  /** What a Service adds in a full sync. */
  readonly writeService: (service: Service) => string;
  /** The transaction that makes the kernel hold the Service's present endpoints, when they have changed. */
  readonly writeChange: (service: Service) => string;
}
