import type { Path } from '../lib/unknown-values.ts';

/** The result of phase 1: parsed manifests that know their position in their file. Types only. */

/** A file: its name, as diagnostics print it, and its bytes. */
export interface InputText {
  readonly file: string;
  readonly content: Uint8Array;
  /** Found in a folder, not named: it is passed over if it is not a manifest. */
  readonly isFound?: boolean;
  /**
   * Reads the bytes again, for the first diagnostic, so that they need not be kept. It returns undefined if the file has
   * changed. Absent for input that can be read only once.
   */
  readonly reread?: () => Uint8Array | undefined;
}

/** A position in a text, counted from 1 (columns in UTF-16 units), with its line. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly lineText: string;
}

/**
 * The text that a document was read from. `locate` is called only for diagnostics, so good input costs nothing. For a path
 * that does not exist, such as that of a missing field, it returns the position of the nearest enclosing value.
 */
export interface Source {
  /** The path as the user gave it, `<stdin>`, or `<objects>` for objects that were not read from text. */
  readonly file: string;
  readonly locate: (path: Path) => Position | undefined;
}

/** A Kubernetes object, not yet validated, with its source and its path there (`['items', 3]` in a List). */
export interface Document {
  readonly value: unknown;
  readonly source: Source;
  readonly path: Path;
}
