/** How the program ends; scripts rely on these numbers. */
export const exitCodes = {
  done: 0,
  badInput: 1,
  wrongUsage: 2,
} as const;
