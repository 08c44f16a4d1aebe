/** An object while it is built: its fields can still be assigned. */
export type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };
