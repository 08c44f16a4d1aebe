/**
 * One table in the form of nft's own JSON (libnftables-json(5)), as far as svc2nft reads it: the value in which the two
 * readers meet. `nft/json` brings what `nft -j` printed into this form, `nft/text` parses into it what nft prints without
 * `-j`, and `read-listed-table.ts` reads it as a ruleset. Types only.
 *
 * Statements and expressions look exactly as nft prints them. Only forms that the compiler writes have a type; any other is
 * an {@link NftUnknown}, so that it can be reported in its place. No type is recursive, so deep nesting exhausts no stack.
 */

/** The objects of one table by kind, in nft's order. */
export interface NftJson {
  /** Undefined when there are only parts of the table. */
  readonly table: NftTable | undefined;
  readonly sets: readonly NftSet[];
  readonly chains: readonly NftChain[];
  readonly rules: readonly NftRule[];
  /** Counters, flowtables and all other kinds. */
  readonly others: readonly NftOther[];
}

export interface NftTable {
  readonly flags: readonly string[];
  readonly comment?: string;
}

export interface NftSet {
  readonly kind: 'set' | 'map';
  readonly name: string | undefined;
  readonly type: NftTypes;
  /** What a map's values are, `["verdict"]` for instance. */
  readonly map?: NftTypes;
  readonly flags: readonly string[];
  readonly size?: number;
  /** In seconds. */
  readonly timeout?: number;
  readonly comment?: string;
  readonly elem: readonly NftElement[];
  /** Only whether these are there matters. */
  readonly policy?: unknown;
  readonly 'gc-interval'?: unknown;
  readonly 'auto-merge'?: unknown;
  readonly stmt?: unknown;
}

/** Names of types, `["ipv4_addr", "inet_service"]`, or, in newer versions of nft, expressions of these types. */
export type NftTypes = readonly string[] | { readonly typeof: NftKey };

/** Fields of a base chain are absent for other chains; an empty text stands for one without a value. */
export interface NftChain {
  readonly name: string | undefined;
  readonly type?: string;
  readonly hook?: string;
  /** The priority; a text where it is not a number. */
  readonly prio?: number | string;
  readonly policy?: string;
  readonly comment?: string;
  readonly dev?: string;
  readonly flags?: string;
}

export interface NftRule {
  readonly chain: string | undefined;
  readonly comment?: string;
  readonly expr: readonly NftStatement[];
}

export interface NftOther {
  readonly kind: string;
  readonly name: string | undefined;
}

/** Something that svc2nft never writes. */
interface NftUnknown {
  readonly unknown: unknown;
}

/** A statement of a rule: its kind is its only key. Names of sets begin with `@`. */
export type NftStatement =
  | { readonly match: NftMatch }
  | { readonly mangle: NftMangle }
  | { readonly vmap: NftVerdictMap }
  | { readonly dnat: NftDnat }
  | { readonly set: NftSetChange }
  | { readonly map: NftMapChange }
  | { readonly jump: NftTarget }
  | { readonly goto: NftTarget }
  | { readonly masquerade: NftMasquerade | null }
  | { readonly reject: NftReject | null }
  | { readonly drop: null }
  | { readonly return: null }
  | { readonly counter: NftCounter }
  | NftUnknown;

export interface NftMatch {
  readonly op: string;
  readonly left: NftKey | NftMasked;
  readonly right: NftPart | NftAnonymousSet;
}

/** `{ 10.0.0.0/8, 192.0.2.1 }`; or a map, `{ 0 : 10.1.2.3 . 80 }`. */
export interface NftAnonymousSet {
  readonly set: readonly NftElement[];
}

/** The name of a counter, or one of the rule's own. */
export type NftCounter = string | { readonly packets: number; readonly bytes: number };

/** `meta mark set meta mark | 0x4000` */
export interface NftMangle {
  readonly key: NftField;
  readonly value: NftMasked;
}

/** `numgen random mod 2 vmap { 0 : goto a, 1 : goto b }`, or the name of a map. */
export interface NftVerdictMap {
  readonly key: NftKey;
  readonly data: string | NftAnonymousSet;
}

/** What follows `dnat`, `to 10.1.2.3:80` or `to ip daddr . tcp dport map @endpoints`. */
export interface NftDnat {
  readonly family?: string;
  readonly addr: string | { readonly map: { readonly key: NftKey; readonly data: string | NftAnonymousSet } };
  readonly port?: NftPart;
}

/** `update @pins { ip saddr timeout 3h : ip daddr . tcp dport }`; newer versions of nft print it for maps as `map`. */
export interface NftSetChange {
  readonly op: string;
  readonly elem: NftKey | { readonly elem: { readonly val: NftKey; readonly timeout?: number } };
  readonly set: string;
  readonly data?: NftKey;
}

export type NftMapChange = Omit<NftSetChange, 'set'> & { readonly map: string };

export interface NftMasquerade {
  readonly flags?: NftFlags;
}

/** `with icmp port-unreachable`, or `with tcp reset`, whose type is `tcp reset`. */
export interface NftReject {
  readonly type?: string;
  readonly expr?: NftWord;
}

export interface NftTarget {
  readonly target: string;
}

/** Versions of nft differ in whether a list of one flag is printed as that flag. */
export type NftFlags = string | readonly string[];

/** What a rule reads from the packet, one field or several. */
export type NftKey = NftField | { readonly concat: readonly NftField[] };

/** `ip daddr`, `meta mark`, `ct original proto-dst`, `fib daddr type`, `numgen random mod 3`. */
export type NftField =
  | { readonly payload: NftPayload }
  | { readonly meta: { readonly key: string } }
  | { readonly ct: NftConntrack }
  | { readonly fib: NftRoute }
  | { readonly numgen: NftNumgen };

export interface NftPayload {
  readonly protocol: string;
  readonly field: string;
}

export interface NftConntrack {
  readonly key: string;
  readonly dir?: string;
}

export interface NftRoute {
  readonly result: string;
  readonly flags: NftFlags;
}

export interface NftNumgen {
  readonly mode: string;
  readonly mod: number;
  readonly offset?: number;
}

/** A field joined to a number, `meta mark & 0x4000`. */
export type NftMasked =
  | { readonly '&': readonly [NftField, number] }
  | { readonly '|': readonly [NftField, number] }
  | { readonly '^': readonly [NftField, number] };

/** An element: a key, or for a map a pair of key and value. A key that has more than a value is wrapped. */
export type NftElement = NftElementKey | readonly [key: NftElementKey, value: NftValue | NftVerdict | NftUnknown];

export type NftElementKey = NftValue | { readonly elem: NftDetails } | NftUnknown;

/** A key with its comment, its times in seconds, and anything else, such as a counter. */
export interface NftDetails {
  readonly val: NftValue;
  readonly comment?: string;
  readonly timeout?: number;
  readonly expires?: number;
  readonly [other: string]: unknown;
}

export type NftVerdict = { readonly goto: NftTarget } | { readonly drop: null };

export type NftValue = NftPart | { readonly concat: readonly NftPart[] };

/** An address, protocol, port or number; `10.0.0.0/8`; `80-90`. */
export type NftPart =
  | NftWord
  | { readonly prefix: { readonly addr: NftWord; readonly len: number } }
  | { readonly range: readonly [NftWord, NftWord] };

export type NftWord = string | number;
