// @ts-check

/** Widths of a character, in pixels, which are near enough for boxes: the browser is not asked. */
export const monoWidth = 7.3;
export const textWidth = 6.4;

/** Heights and distances in a diagram, in pixels. */
export const sizes = {
  frontend: 44,
  rangeLine: 15,
  port: 62,
  refusal: 30,
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
