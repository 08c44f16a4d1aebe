/** How the program ends; scripts rely on these numbers. */
export const exitCodes = {
  done: 0,
  badInput: 1,
  wrongUsage: 2,
  refused: 3,
  noPermission: 4,
} as const;
