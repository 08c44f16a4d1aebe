/** A graph as boxes and arrows, for the languages that lay them out themselves. Types only; texts are not escaped. */

/** What a text says that is cut where it is shown. */
interface MayBeCut {
  /** All of it, lines joined; empty where nothing is cut. */
  readonly full: string;
}

/** A box. */
export interface DrawnBox extends MayBeCut {
  /** A letter and a number; nothing of the input. */
  readonly id: string;
  readonly kind: 'frontend' | 'service port' | 'refusal' | 'endpoint here' | 'endpoint';
  /** At least one. */
  readonly lines: readonly string[];
}

/** An arrow. */
export interface DrawnArrow extends MayBeCut {
  readonly from: string;
  readonly to: string;
  /** Empty for none. */
  readonly label: string;
  /** Dashed where no connection goes. */
  readonly dashed: boolean;
}

/** The endpoints of one node. */
export interface DrawnNode extends MayBeCut {
  readonly id: string;
  readonly title: string;
  readonly isHere: boolean;
  readonly endpoints: readonly DrawnBox[];
}

/** The nodes of one zone. */
export interface DrawnZone extends MayBeCut {
  readonly id: string;
  readonly title: string;
  readonly nodes: readonly DrawnNode[];
}

/** All of it, from left to right. */
export interface Drawing {
  readonly title: string;
  readonly frontends: readonly DrawnBox[];
  readonly servicePorts: readonly DrawnBox[];
  readonly refusals: readonly DrawnBox[];
  readonly zones: readonly DrawnZone[];
  readonly arrows: readonly DrawnArrow[];
}
