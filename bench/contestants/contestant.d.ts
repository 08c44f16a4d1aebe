/** Something whose changes are timed. Two changes in a row are one endpoint that comes and goes. */
export interface Contestant {
  /** How many changes are made; later rounds do without it. */
  readonly rounds: number;
  /** Makes a change. Returns milliseconds, of one kind or of several. */
  readonly change: (number: number) => number[] | Promise<number[]>;
  readonly close: () => void | Promise<void>;
}
