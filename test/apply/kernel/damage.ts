/** Something that another program does to the tables. */
export interface Damage {
  readonly name: string;
  /** For `nft -f`; `TABLE` is `ip svc2nft`. */
  readonly commands: string;
  /** What `apply` must say about it. */
  readonly said: RegExp;
}

/** What names a Service looks as if that had changed, so there is nothing that `apply` could know of. */
export const likeAChange: RegExp = /^table ip svc2nft: changed \((?![\s\S]*found)/;
