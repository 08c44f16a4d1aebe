import type { Path } from '../lib/unknown-values.ts';

/**
 * What phase 1 hands on: parsed manifests that still know where they stand in their file.
 * Types only.
 */

/** A file as it was found: its name as diagnostics shall print it, and its bytes. */
export interface InputText {
  readonly file: string;
  readonly content: Uint8Array;
  /**
   * Gets the bytes once more, for the first diagnostic: then nobody needs to keep them. Undefined when they are no
   * longer the same. Absent for what can be read only once.
   */
  readonly reread?: () => Uint8Array | undefined;
}

/** A place in a text, counted from 1 (columns in UTF-16 units), with the whole line it stands on. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly lineText: string;
}

/**
 * The text that a document was read from. `locate` is asked only for diagnostics, so that good input pays nothing;
 * it answers with the nearest enclosing value when the path itself does not exist, for instance for a missing field.
 */
export interface Source {
  /** The path as the user gave it, `<stdin>`, or `<objects>` for objects that never were a text. */
  readonly file: string;
  readonly locate: (path: Path) => Position | undefined;
}

/** One Kubernetes object, not yet validated, with its source and its path there (`['items', 3]` inside a List). */
export interface Document {
  readonly value: unknown;
  readonly source: Source;
  readonly path: Path;
}
