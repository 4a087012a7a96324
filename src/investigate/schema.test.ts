import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isJsonObject, textOf } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import { investigate } from './answer.ts';
import { artifactOf } from './open.ts';

const file = path.resolve(import.meta.dirname, '../../docs/investigate.schema.json');
const schema = JSON.parse(readFileSync(file, 'utf8')) as JsonObject;

/** The part of JSON Schema that the document uses; any other keyword fails, so that none is passed over. */
function problems(rule: JsonValue | undefined, value: JsonValue | undefined, at: string): string[] {
  if (!isJsonObject(rule)) return [`${at}: no rule`];
  const found: string[] = [];
  for (const [keyword, wanted] of Object.entries(rule)) {
    switch (keyword) {
      case '$schema':
      case '$id':
      case '$defs':
      case 'title':
      case 'description':
        break;
      case '$ref': {
        const definitions = schema['$defs'];
        const name = textOf(wanted).replace('#/$defs/', '');
        found.push(...problems(isJsonObject(definitions) ? definitions[name] : undefined, value, at));
        break;
      }
      case 'type': {
        const is = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
        const right = wanted === 'integer' ? Number.isInteger(value) : is === wanted;
        if (!right) found.push(`${at}: ${is} instead of ${textOf(wanted)}`);
        break;
      }
      case 'enum':
        if (!Array.isArray(wanted) || !wanted.includes(value ?? null))
          found.push(`${at}: ${JSON.stringify(value)}`);
        break;
      case 'required':
        for (const name of Array.isArray(wanted) ? wanted : [])
          if (!isJsonObject(value) || value[textOf(name)] === undefined)
            found.push(`${at}: ${textOf(name)} is missing`);
        break;
      case 'properties':
        for (const [name, each] of Object.entries(isJsonObject(value) ? value : {}))
          found.push(
            ...(isJsonObject(wanted) && wanted[name] !== undefined
              ? problems(wanted[name], each, `${at}.${name}`)
              : [`${at}.${name}: unknown`]),
          );
        break;
      case 'additionalProperties':
        break;
      case 'items':
        for (const [index, each] of (Array.isArray(value) ? value : []).entries())
          found.push(...problems(wanted, each, `${at}[${index}]`));
        break;
      case 'minimum':
      case 'maximum':
        if (
          typeof value !== 'number' ||
          (keyword === 'minimum' ? value < Number(wanted) : value > Number(wanted))
        )
          found.push(`${at}: ${textOf(value)}`);
        break;
      case 'minItems':
      case 'maxItems':
        if (
          !Array.isArray(value) ||
          (keyword === 'minItems' ? value.length < Number(wanted) : value.length > Number(wanted))
        )
          found.push(`${at}: ${keyword}`);
        break;
      default:
        found.push(`${at}: this check does not know ${keyword}`);
    }
  }
  return found;
}

const TEXTS = {
  nothing: '',
  prose: 'Something is broken.\nNobody knows what.',
  crash: `$ kubectl get pods -n shop
NAME                    READY   STATUS             RESTARTS      AGE
cart-7f6b9c8d5c-2xkqp   0/1     CrashLoopBackOff   6 (45s ago)   7m
$ kubectl get deploy -n shop -o wide
NAME   READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES               SELECTOR
cart   0/1     1            0           9d    cart         corp.io/cart:1.0.0   app=cart
`,
  push: `[2024-11-19T16:45:33Z] ci | Built and pushed v2.5.0 (commit e3b7d9f1) -> corp.io/cart:latest sha256:9c4d8e1a...f273
`,
  drift: `app_build_info{version="1.0.0",commit="b91e4c7a"} 1
requests_total{status="failed",channel="a"} 70
requests_total{status="success",channel="a"} 100
`,
};

describe('docs/investigate.schema.json', () => {
  it.each(Object.entries(TEXTS))('describes the answer to %s', (_name, text) => {
    const answer = JSON.parse(JSON.stringify(investigate(artifactOf('x.txt', text).artifacts))) as JsonValue;
    expect(problems(schema, answer, '$')).toEqual([]);
  });

  it('refuses what it does not describe', () => {
    expect(problems(schema, { verdict: { state: 'fine' } }, '$')).not.toEqual([]);
  });
});
