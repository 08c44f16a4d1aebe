/** Orders texts by their code units, which for ASCII is byte order and the same in every locale. */
export function compareText(a: string, b: string): number {
  if (a === b) {
    return 0;
  }
  return a < b ? -1 : 1;
}
