/** A reference in its parts, as texts: manifests name placeholders, too, and tools compare what is written. */
export interface ReferenceText {
  readonly name: string;
  /** Empty where none is written. */
  readonly tag: string;
  readonly digest: string;
}

/** Splits at the first `@`, then at the last colon behind the last slash: what comes before is a port. */
export function splitReference(text: string): ReferenceText {
  const at = text.indexOf('@');
  const before = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? '' : text.slice(at + 1);
  const colon = before.indexOf(':', before.lastIndexOf('/') + 1);
  return colon < 0
    ? { name: before, tag: '', digest }
    : { name: before.slice(0, colon), tag: before.slice(colon + 1), digest };
}

export function joinReference({ name, tag, digest }: ReferenceText): string {
  return `${name}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}
