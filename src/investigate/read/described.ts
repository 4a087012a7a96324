/** A `Key:   value` line of describe with what is indented below it. */
export interface Described {
  readonly key: string;
  readonly value: string;
  readonly line: number;
  readonly indent: number;
  readonly children: Described[];
  /** Lines below that are no pairs: rows of tables, further labels. */
  readonly items: { readonly text: string; readonly line: number }[];
}

export function childOf(at: Described | undefined, ...keys: readonly string[]): Described | undefined {
  return keys.reduce<Described | undefined>(
    (node, key) => node?.children.find((child) => child.key.toLowerCase() === key.toLowerCase()),
    at,
  );
}

/** The value of a key, where one is shown: `<none>` and `<unset>` are none. */
export function told(at: Described | undefined, ...keys: readonly string[]): string | undefined {
  const value = childOf(at, ...keys)?.value.trim();
  return value === undefined || value === '' || /^<(?:none|unset|unknown|nil)>$/.test(value)
    ? undefined
    : value;
}
