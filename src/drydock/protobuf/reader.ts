/** A message that ends early or breaks the encoding. */
export class ProtobufError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtobufError';
  }
}

export interface WireField {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: number;
  readonly bytes: Buffer;
  readonly value: bigint;
}

/** The fields of a message in their order. Groups are refused. */
export function* readFields(message: Buffer): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new ProtobufError('unexpected end of a protobuf message');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value & 0xffff_ffff_ffff_ffffn;
    }
    throw new ProtobufError('a protobuf integer is too long');
  };
  const take = (length: number): Buffer => {
    if (length > message.length - at) throw new ProtobufError('unexpected end of a protobuf message');
    at += length;
    return message.subarray(at - length, at);
  };
  const none = Buffer.alloc(0);
  while (at < message.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (wire === 0) yield { number, wire, bytes: none, value: varint() };
    else if (wire === 1) {
      const bytes = take(8);
      yield { number, wire, bytes, value: bytes.readBigUInt64LE() };
    } else if (wire === 2) {
      yield { number, wire, bytes: take(Number(varint())), value: 0n };
    } else if (wire === 5) {
      const bytes = take(4);
      yield { number, wire, bytes, value: BigInt(bytes.readUInt32LE()) };
    } else throw new ProtobufError(`protobuf wire type ${wire} is not supported`);
  }
}
