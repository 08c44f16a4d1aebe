/** Where in a ruleset something is. */
export type RulesetPlace =
  | { readonly set: string }
  | { readonly chain: string /** From 0; absent for the chain itself. */; readonly rule?: number };

/** Thrown for a ruleset that the walker does not understand or that nft would refuse: no answer is better than a wrong one. */
export class UnknownRule extends Error {
  override readonly name = 'UnknownRule';
  readonly place: RulesetPlace;

  constructor(place: RulesetPlace, reason: string) {
    super(`${describe(place)}: ${reason}`);
    this.place = place;
  }
}

function describe(place: RulesetPlace): string {
  if ('set' in place) {
    return `set ${place.set}`;
  }
  // People count rules from 1, as oddities of listings do.
  return place.rule === undefined ? `chain ${place.chain}` : `chain ${place.chain}, rule ${place.rule + 1}`;
}
