/** Words that a value may be or begin with, where others are as good; by the placeholder of its option. */
export const valueBeginnings: ReadonlyMap<string, readonly string[]> = new Map([
  ['client', ['outside', 'node', 'pod:']],
  ['target', ['service:']],
]);
