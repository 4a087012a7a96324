import { copyJson } from '../kinds/json-access.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { ApiStatusError } from '../api/contract.ts';
import { isJsonObject, jsonEqual } from '../../kernel/index.ts';
import { setOwn } from '../schema/decode.ts';

/** A patch that cannot be applied; the message is for the client. */
export class PatchError extends Error {
  /** A failed test, or a path that is not there: the document is at fault, not the form of the patch. */
  readonly unprocessable: boolean;

  constructor(message: string, unprocessable = true) {
    super(message);
    this.name = 'PatchError';
    this.unprocessable = unprocessable;
  }
}

const MAX_OPERATIONS = 10_000;
/** What copies may add together, or sixty of them would double a document past any memory. */
const MAX_COPIED = 3 * 1024 * 1024;

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly pathText: string;
  readonly from: readonly string[] | undefined;
  readonly value: JsonValue | undefined;
}

function pointer(text: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) throw new PatchError(`jsonpatch path does not start with '/': ${text}`, false);
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function readOperation(raw: JsonValue): Operation {
  if (!isJsonObject(raw)) throw new PatchError('a JSON patch is a list of objects', false);
  const { op, path, from } = raw;
  if (typeof op !== 'string' || typeof path !== 'string') {
    throw new PatchError('jsonpatch operation needs op and path', false);
  }
  return {
    op,
    path: pointer(path),
    pathText: path,
    from: typeof from === 'string' ? pointer(from) : undefined,
    value: raw.value,
  };
}

function child(container: JsonValue | undefined, step: string): JsonValue | undefined {
  if (Array.isArray(container)) return container[arrayIndex(step, container.length - 1)];
  if (isJsonObject(container) && Object.hasOwn(container, step)) return container[step];
  return undefined;
}

function arrayIndex(step: string, last: number): number {
  const negative = /^-\d+$/.test(step);
  if (!/^(0|[1-9]\d*)$/.test(step) && !negative) {
    throw new PatchError(`Unable to access invalid index: ${step}`);
  }
  const index = negative ? last + 1 + Number(step) : Number(step);
  if (index < 0 || index > last) throw new PatchError(`Unable to access invalid index: ${step}`);
  return index;
}

function parentOf(root: JsonValue, path: readonly string[], text: string, op: string): JsonValue {
  let at: JsonValue | undefined = root;
  for (const step of path.slice(0, -1)) at = child(at, step);
  if (!Array.isArray(at) && !isJsonObject(at)) {
    throw new PatchError(
      `${op} operation does not apply: doc is missing path: ${JSON.stringify(text)}: missing value`,
    );
  }
  return at;
}

function add(root: JsonValue, path: readonly string[], value: JsonValue, text: string): JsonValue {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = parentOf(root, path, text, 'add');
  if (Array.isArray(parent)) {
    if (last === '-') parent.push(value);
    else parent.splice(arrayIndex(last, parent.length), 0, value);
  } else if (isJsonObject(parent)) {
    setOwn(parent, last, value);
  }
  return root;
}

function remove(root: JsonValue, path: readonly string[], text: string): JsonValue {
  const last = path.at(-1);
  if (last === undefined) return null;
  const parent = parentOf(root, path, text, 'remove');
  if (Array.isArray(parent)) parent.splice(arrayIndex(last, parent.length - 1), 1);
  else if (isJsonObject(parent)) {
    if (!Object.hasOwn(parent, last)) {
      throw new PatchError(
        `remove operation does not apply: doc is missing path: ${JSON.stringify(text)}: missing value`,
      );
    }
    delete parent[last];
  }
  return root;
}

function valueAt(root: JsonValue, path: readonly string[], text: string, op: string): JsonValue {
  let at: JsonValue | undefined = root;
  for (const step of path) at = child(at, step);
  if (at === undefined) {
    throw new PatchError(`${op} operation does not apply: doc is missing path: ${text}: missing value`);
  }
  return at;
}

function replace(root: JsonValue, operation: Operation, value: JsonValue): JsonValue {
  const last = operation.path.at(-1);
  if (last === undefined) return value;
  const parent = parentOf(root, operation.path, operation.pathText, 'replace');
  if (Array.isArray(parent)) parent[arrayIndex(last, parent.length - 1)] = value;
  else if (isJsonObject(parent)) {
    if (!Object.hasOwn(parent, last)) {
      throw new PatchError(
        `replace operation does not apply: doc is missing key: ${operation.pathText}: missing value`,
      );
    }
    parent[last] = value;
  }
  return root;
}

/** Applies an RFC 6902 patch to a copy. Throws PatchError, worded as the library that Kubernetes uses. */
export function applyJsonPatch(document: JsonObject, patch: JsonValue): JsonValue {
  if (!Array.isArray(patch)) throw new PatchError('a JSON patch is a list of operations', false);
  if (patch.length > MAX_OPERATIONS) {
    const why = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`;
    throw new ApiStatusError(413, 'RequestEntityTooLarge', `Request entity is too large: ${why}`);
  }
  let root: JsonValue = copyJson(document);
  let copied = 0;
  for (const raw of patch) {
    const operation = readOperation(raw);
    const { path, pathText } = operation;
    const given = () => {
      if (operation.value === undefined) throw new PatchError(`${operation.op} needs a value`, false);
      return copyJson(operation.value);
    };
    const source = () => {
      if (operation.from === undefined) throw new PatchError(`${operation.op} needs from`, false);
      return operation.from;
    };
    switch (operation.op) {
      case 'add':
        root = add(root, path, given(), pathText);
        break;
      case 'remove':
        root = remove(root, path, pathText);
        break;
      case 'replace':
        root = replace(root, operation, given());
        break;
      case 'move': {
        const from = source();
        const moved = valueAt(root, from, pathText, 'move');
        root = add(remove(root, from, pathText), path, moved, pathText);
        break;
      }
      case 'copy': {
        const value = valueAt(root, source(), pathText, 'copy');
        copied += JSON.stringify(value).length;
        if (copied > MAX_COPIED) {
          throw new PatchError(
            `Unable to complete the copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${MAX_COPIED}`,
          );
        }
        root = add(root, path, copyJson(value), pathText);
        break;
      }
      case 'test': {
        let at: JsonValue | undefined = root;
        for (const step of path) at = child(at, step);
        if (!jsonEqual(at ?? null, operation.value ?? null)) {
          throw new PatchError(`testing value ${pathText} failed: test failed`);
        }
        break;
      }
      default:
        throw new PatchError(`Unexpected kind: ${operation.op}`, false);
    }
  }
  return root;
}
