import type { IncomingMessage } from 'node:http';
import type { JsonValue } from '../../kernel/index.ts';
import { parseYaml } from '../../kernel/index.ts';
import { ApiStatusError } from '../api/contract.ts';
import { unsupportedMediaType } from '../machinery/object-meta.ts';
import { badRequest } from '../machinery/status-errors.ts';
import { decodeProtobuf, PROTOBUF_TYPE } from '../protobuf/envelope.ts';

/** Kubernetes' own limit for a body. */
export const MAX_BODY = 3 * 1024 * 1024;

/** Reads at most `limit` bytes. Throws 413. */
export async function readBody(request: IncomingMessage, limit = MAX_BODY): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function tooLarge(limit: number): ApiStatusError {
  return new ApiStatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
}

export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** A body as JSON, whichever of JSON, YAML and protobuf it was sent as. Throws 400 or 415. */
export function parseBody(body: Buffer, contentType: string | undefined): JsonValue {
  const type = mediaType(contentType);
  switch (type) {
    case '':
    case 'application/json':
      return parseJsonText(body);
    case 'application/yaml':
      return parseYamlText(body);
    case PROTOBUF_TYPE:
      return decodeProtobuf(body);
    default:
      throw unsupportedMediaType(
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      );
  }
}

const MAX_DEPTH = 1_000;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Refuses what is nested so deeply that reading it any further would take the stack. */
function checkDepth(body: Buffer): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > MAX_DEPTH) throw badRequest('the object provided is unrecognized: exceeded max depth');
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
}

export function parseJsonText(body: Buffer): JsonValue {
  checkDepth(body);
  try {
    return JSON.parse(body.toString('utf8')) as JsonValue;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`the object provided is unrecognized: json parse error: ${why}`);
  }
}

export function parseYamlText(body: Buffer): JsonValue {
  const text = body.toString('utf8');
  if (/^\s*[{[]/.test(text)) return parseJsonText(body);
  try {
    return parseYaml(text, 'the body of the request')[0] ?? null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`error decoding YAML: ${why}`);
  }
}
