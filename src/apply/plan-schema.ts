import { array, literal, looseObject, object, optional, record, string, unknown } from 'zod';
import type { JsonValue } from '../kernel/index.ts';

const planned = looseObject({
  action: string(),
  apiVersion: string(),
  kind: string(),
  name: string(),
  fields: array(unknown()),
});

const document = object({
  apiVersion: literal('landfall.dev/v1'),
  kind: literal('Plan'),
  createdAt: string(),
  subject: object({ cluster: string(), namespace: string(), application: string() }),
  clusterUid: optional(string()),
  revision: string(),
  set: string(),
  salt: string(),
  asked: record(string(), unknown()),
  objects: array(planned),
});

/** The first thing that keeps a document from being a plan; undefined where it is one. */
export function planProblem(value: JsonValue): string | undefined {
  const parsed = document.safeParse(value);
  if (parsed.success) return undefined;
  const [issue] = parsed.error.issues;
  return `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`;
}
