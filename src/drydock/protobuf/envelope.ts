import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { builtinTypeId } from '../kinds/builtin.ts';
import { unsupportedMediaType } from '../machinery/object-meta.ts';
import { badRequest } from '../machinery/status-errors.ts';
import { messageOf } from './decode.ts';
import { ProtobufError, readFields } from './reader.ts';

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** Kinds that travel in requests and are no resource. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  'autoscaling/v1 Scale': 'autoscaling.Scale',
  'policy/v1 Eviction': 'policy.Eviction',
  'v1 Binding': 'core.Binding',
  'v1 DeleteOptions': 'meta.DeleteOptions',
  'meta.k8s.io/v1 DeleteOptions': 'meta.DeleteOptions',
  'authentication.k8s.io/v1 TokenRequest': 'authentication.TokenRequest',
};

/** `magic, Unknown{1: {1: apiVersion, 2: kind}, 2: raw}` as JSON. Throws 400, and 415 for a kind without a type. */
export function decodeProtobuf(body: Buffer): JsonValue {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  try {
    let apiVersion = '';
    let kind = '';
    let raw: Buffer = Buffer.alloc(0);
    for (const field of readFields(body.subarray(MAGIC.length))) {
      if (field.number === 2) raw = field.bytes;
      if (field.number !== 1) continue;
      for (const meta of readFields(field.bytes)) {
        if (meta.number === 1) apiVersion = meta.bytes.toString('utf8');
        if (meta.number === 2) kind = meta.bytes.toString('utf8');
      }
    }
    const typeId =
      OTHER_TYPES[`${apiVersion} ${kind}`] ?? otherDeleteOptions(kind) ?? builtinTypeId(apiVersion, kind);
    if (typeId === undefined) {
      throw unsupportedMediaType(`no protobuf form is known of ${kind} in ${apiVersion}; send JSON`);
    }
    const object: JsonObject = { kind, apiVersion, ...messageOf(typeId, raw) };
    return object;
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(`proto: ${error.message}`);
    throw error;
  }
}

/** Every group version has its own registration of DeleteOptions. */
function otherDeleteOptions(kind: string): string | undefined {
  return kind === 'DeleteOptions' ? 'meta.DeleteOptions' : undefined;
}
