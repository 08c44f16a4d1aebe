/** One fault: what it does, and the text that takes the place of another one. */
export interface Mutant {
  readonly operator: string;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

export function listMutants(code: string): Mutant[];
