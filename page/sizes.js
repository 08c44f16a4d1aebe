// @ts-check

/** Widths of text in pixels, near enough for boxes without asking the browser. */
export const monoWidth = 7.3;
const textSize = 12;
const titleShare = 1.13;

/** Widths of letters and signs in a wide font (DejaVu Sans, Verdana), as fractions of the text size; of all others and of non-ASCII. */
const widths = [
  { letters: /[-ijltfrI.,:;|!'()[\]/ ]/, width: 0.42 },
  { letters: /[a-hknopqsuvxyz0-9_]/, width: 0.64 },
];
const otherWidth = 1;

/** Heights and distances in a diagram, in pixels. */
export const sizes = {
  frontend: 44,
  rangeLine: 15,
  port: 62,
  refusal: 30,
  /** Each line after the first. */
  refusalLine: 16,
  refusalWidth: 130,
  endpoint: 28,
  /** With a label above and one below its line. */
  doubleEndpoint: 36,
  /** With the pod below the address. */
  tallEndpoint: 44,
  title: 24,
  space: 10,
  /** Where lines bend. */
  curve: 46,
  /** From the frame of a zone to the box of an endpoint. */
  inset: 16,
  padding: 11,
};

/**
 * @param {string} text
 * @returns {number} pixels that it takes at most, with few exceptions
 */
export function textWidthOf(text) {
  const shares = [...text].map((letter) => widths.find(({ letters }) => letters.test(letter))?.width ?? otherWidth);
  return textSize * shares.reduce((sum, share) => sum + share, 0);
}

/**
 * The same for a semi-bold title.
 *
 * @param {string} title
 */
export function titleWidthOf(title) {
  return titleShare * textWidthOf(title);
}
