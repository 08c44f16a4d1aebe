/** Whether a character may stand between JSON's words (RFC 8259, section 2); false for NaN, the end of the text. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** The offset behind the string whose opening quote is at `start`, or the length of a text that ends inside it. */
export function skipString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    if (!isEscaped(text, quote)) {
      return quote + 1;
    }
  }
  return text.length;
}

/** A quote inside a string is escaped when an odd number of backslashes stands before it. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text.charCodeAt(first - 1) === 0x5c) {
    first -= 1;
  }
  return (quote - first) % 2 === 1;
}
