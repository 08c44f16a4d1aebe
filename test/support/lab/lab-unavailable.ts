/** Thrown where this machine cannot run the laboratory: not root, a program or a kernel feature is missing. */
export class LabUnavailable extends Error {
  override readonly name = 'LabUnavailable';
}
