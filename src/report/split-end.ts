/** A key of nft without its last part, and that part: `10.96.0.1 . tcp . 80` gives `10.96.0.1 . tcp` and `80`. */
export function splitEnd(key: string): [rest: string, end: string] {
  const at = key.lastIndexOf(' . ');
  return at < 0 ? ['', key] : [key.slice(0, at), key.slice(at + 3)];
}
