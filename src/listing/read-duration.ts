/** `1d2h3m4s500ms`, as nft prints times, in seconds, which need not be whole; undefined for a text that is none. */
export function readDuration(text: string): number | undefined {
  const match = /^(?=.)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/.exec(text);
  const [days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0] =
    match?.slice(1).map((part) => Number(part ?? 0)) ?? [];
  return match ? ((days * 24 + hours) * 60 + minutes) * 60 + seconds + milliseconds / 1000 : undefined;
}
