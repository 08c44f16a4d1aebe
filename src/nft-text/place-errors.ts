import { NftTextError } from './nft-text-error.ts';

/** Makes the errors of one text. */
export interface ErrorPlaces {
  /** Tells of a quoted text, given the offsets of its quotes. */
  readonly sawString: (open: number, close: number) => void;
  readonly errorAt: (message: string, offset: number) => NftTextError;
}

/**
 * The errors of a text, each at its place. Where a quote is left out, the text goes wrong only behind the next quote, lines
 * later; so an error behind a quoted text that goes over lines, which nft allows and hardly anybody has, is at its beginning.
 */
export function placeErrors(text: string): ErrorPlaces {
  let overLines: number | undefined;
  return {
    sawString: (open, close) => {
      if (overLines === undefined && text.slice(open, close).includes('\n')) {
        overLines = open;
      }
    },
    errorAt: (message, offset) => {
      const error = new NftTextError(message, text, offset);
      return overLines === undefined || overLines > offset
        ? error
        : new NftTextError(
            `this quoted text is not closed on its line, or line ${error.line} is wrong: ${message}`,
            text,
            overLines,
          );
    },
  };
}
