/** How a value of KubeProxyConfiguration is written. */
export type ValueType =
  | 'text'
  | 'boolean'
  | 'integer'
  | 'number'
  /** Go's text form of metav1.Duration, `1h30m`. */
  | 'duration'
  /** A duration, or nanoseconds (component-base TimeOrMetaDuration). */
  | 'duration or nanoseconds'
  /** resource.Quantity: a number, or a text such as `64Ki`. */
  | 'quantity'
  | 'texts'
  | 'list'
  | 'feature gates';

/** A field with a value. */
export interface ValueField {
  readonly type: ValueType;
  /**
   * For a field without effect here: the values that say nothing, besides absent, null, empty and false. `any` where
   * no value is worth a word. Absent for a field that the compiler reads.
   */
  readonly quiet?: readonly (string | number | boolean)[] | 'any';
}

/** What a key of the configuration may hold: a value, or more keys. */
export type ConfigField = ValueField | { readonly fields: ConfigFields };

/** The keys of one level. */
export type ConfigFields = Readonly<Record<string, ConfigField>>;
