/** The little of DER that certificates need: writing values, and reading them back. */
/** A DER value: tag, length, content. */
export function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size: number[] = [];
  for (let rest = body.length; rest > 0; rest >>>= 8) size.unshift(rest & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length, ...size]), body]);
}

export const sequence = (...content: readonly Buffer[]) => der(0x30, ...content);
export const set = (...content: readonly Buffer[]) => der(0x31, ...content);
export const octets = (content: Buffer) => der(0x04, content);
export const bits = (content: Buffer, unused = 0) => der(0x03, Buffer.from([unused]), content);
export const TRUE = Buffer.from([0x01, 0x01, 0xff]);

export function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const septets = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return der(0x06, Buffer.from(bytes));
}

/** DER wants the shortest form: no leading zero but the one that keeps a number positive. */
export function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  return der(0x02, (shortest[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), shortest]) : shortest);
}

export function utcTime(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]/g, '');
  // From 2050 on X.509 wants GeneralizedTime.
  return Number(text.slice(0, 4)) >= 2050
    ? der(0x18, Buffer.from(`${text.slice(0, 14)}Z`))
    : der(0x17, Buffer.from(`${text.slice(2, 14)}Z`));
}

export function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [TRUE] : []), octets(value));
}

export function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** One value read: its tag, its content, and all of its bytes. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

/** The values that stand one after another in `bytes`. Throws RangeError for what is no DER. */
export function readDer(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0;
    const extra = first < 0x80 ? 0 : first & 0x7f;
    if (extra > 3) throw new RangeError('a value is longer than any certificate');
    const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra);
    const start = at + 2 + extra;
    const end = start + length;
    if (end > bytes.length) throw new RangeError('a value ends before its length');
    values.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return values;
}
