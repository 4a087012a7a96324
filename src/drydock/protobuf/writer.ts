/** Fields of a protobuf message, written one after another. Empty strings and false are left out. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

export function message(number: number, ...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  return Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);
}

export function text(number: number, value: string): Buffer {
  return value === '' ? Buffer.alloc(0) : message(number, Buffer.from(value));
}
