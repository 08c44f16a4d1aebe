/** A part of a module that runs together, or not at all. */
export interface Block {
  readonly start: number;
  readonly end: number;
  readonly isExpression: boolean;
}

export function listBlocks(code: string): Block[];

export function blockOf(blocks: readonly Block[], part: Pick<Block, 'start' | 'end'>): number;

export function recordBlocks(code: string, first: number): string;
