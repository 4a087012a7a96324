import { array, boolean, discriminatedUnion, enum as oneOf, int, literal, strictObject, string } from 'zod';
import type { ZodError } from 'zod';
import { LandfallError, type JsonValue } from '../../kernel/index.ts';
import { API_VERBS, PRESSURES, type Fault } from './fault.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const ms = int().min(0).max(DAY_MS);
const count = int().min(1).max(1_000_000);
const text = string().min(1).max(1024);
const status = int().min(400).max(599);
const trigger = { nth: count.exactOptional(), every: count.exactOptional(), times: count.exactOptional() };
const written = boolean().exactOptional();
const slow = strictObject({ type: literal('slow'), ms });
const failing = strictObject({
  type: literal('status'),
  status,
  retryAfterSeconds: int().min(0).max(86_400).exactOptional(),
});

const api = strictObject({
  on: literal('api'),
  ...trigger,
  verbs: array(oneOf(API_VERBS)).min(1).exactOptional(),
  group: string().max(253).exactOptional(),
  resource: text.exactOptional(),
  namespace: text.exactOptional(),
  name: text.exactOptional(),
  dryRun: boolean().exactOptional(),
  client: text.exactOptional(),
  effect: discriminatedUnion('type', [
    slow,
    failing,
    strictObject({ type: literal('hang'), written }),
    strictObject({ type: literal('reset'), written }),
    strictObject({ type: literal('late') }),
    strictObject({
      type: literal('end-watch'),
      how: oneOf(['reset', 'close', 'expired']),
      afterEvents: count.exactOptional(),
    }),
  ]),
});

const registry = strictObject({
  on: literal('registry'),
  ...trigger,
  method: text.exactOptional(),
  operation: oneOf([
    'ping',
    'token',
    'catalog',
    'uploads',
    'upload',
    'blob',
    'manifest',
    'tags',
    'referrers',
  ]).exactOptional(),
  repository: text.exactOptional(),
  reference: text.exactOptional(),
  effect: discriminatedUnion('type', [
    slow,
    failing,
    strictObject({ type: literal('hang') }),
    strictObject({ type: literal('reset') }),
    strictObject({ type: literal('truncate') }),
    strictObject({ type: literal('corrupt') }),
  ]),
});

const pull = strictObject({
  on: literal('pull'),
  ...trigger,
  image: text.exactOptional(),
  node: text.exactOptional(),
  effect: discriminatedUnion('type', [
    slow,
    strictObject({ type: literal('status'), status }),
    strictObject({ type: literal('timeout') }),
  ]),
});

const node = strictObject({
  on: literal('node'),
  node: text,
  effect: discriminatedUnion('type', [
    strictObject({ type: literal('lost') }),
    strictObject({ type: literal('not-ready'), message: text.exactOptional() }),
    strictObject({ type: literal('pressure'), pressure: oneOf(PRESSURES) }),
  ]),
});

const pods = strictObject({
  on: literal('pods'),
  ...trigger,
  namespace: text.exactOptional(),
  name: text.exactOptional(),
  selector: text.exactOptional(),
  container: text.exactOptional(),
  effect: discriminatedUnion('type', [
    strictObject({
      type: literal('crash'),
      exitCode: int().min(0).max(255).exactOptional(),
      afterMs: ms.exactOptional(),
    }),
    strictObject({ type: literal('oom'), afterMs: ms.exactOptional() }),
    strictObject({ type: literal('never-ready') }),
    strictObject({ type: literal('slow-start'), ms }),
    strictObject({ type: literal('ignore-sigterm') }),
    strictObject({ type: literal('evict'), pressure: oneOf(['memory', 'disk']) }),
  ]),
});

const schema = discriminatedUnion('on', [api, registry, pull, node, pods]);

/** A fault as it came from outside. Throws `fault-invalid` with every field that is wrong. */
export function readFault(value: JsonValue): Fault {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new LandfallError(`This is no fault that can be started: ${problems(result.error)}.`, {
    kind: 'invalid-input',
    code: 'fault-invalid',
    hint: 'landfall cluster fail --help shows what there is.',
  });
}

function problems(error: ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}
