import { LandfallError, nearest } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { fieldPath, fieldTargets } from '../../boundaries/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { RenderedObject, RenderResult } from '../../kustomize/index.ts';

interface Origin {
  readonly value: JsonValue;
  readonly file: string;
  readonly line: number;
  readonly by?: string;
}

export interface FieldOrigins {
  readonly object: string;
  readonly field: string;
  readonly value: JsonValue;
  /** Newest first. */
  readonly origins: readonly [Origin, ...Origin[]];
}

function originsOf(object: RenderedObject, at: readonly (string | number)[]): readonly Origin[] {
  const secret = object.kind === 'Secret' && (at[0] === 'data' || at[0] === 'stringData');
  return object.why(at).map(({ value, file, line, by }) => ({
    value: secret ? '(not shown)' : value,
    file,
    line,
    ...(by === undefined ? {} : { by }),
  }));
}

/** Who set a field, on every object that has it. Throws `invalid-input` where none has. */
export function whyOf(result: RenderResult, question: string): readonly FieldOrigins[] {
  const answers = fieldTargets(
    result.objects,
    question,
    (object) => object.value as unknown as KubeObject,
  ).flatMap(({ item, path: at }) => {
    const [newest, ...older] = originsOf(item, at);
    return newest === undefined
      ? []
      : [
          {
            object: `${item.kind}/${item.name}`,
            field: fieldPath(at),
            value: newest.value,
            origins: [newest, ...older] as const,
          },
        ];
  });
  if (answers.length > 0) return answers;
  const near = nearFields(result, question.slice(question.indexOf(':') + 1));
  throw new LandfallError(`No rendered object has the field ${question}.`, {
    kind: 'invalid-input',
    code: 'field-not-rendered',
    object: question,
    hint:
      near.length > 0
        ? `There is ${near.join(', ')}.`
        : 'Write it as deploy/payment-api:spec.template.spec.containers[0].image; landfall render shows what there is.',
  });
}

function nearFields(result: RenderResult, asked: string): readonly string[] {
  const known = new Set<string>();
  for (const object of result.objects) for (const { path: at } of object.fields()) known.add(fieldPath(at));
  return nearest(asked, [...known]);
}

function shown(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `3   overlays/staging/patch-replicas.yaml:6`, then what it overrode. */
export function whyText(answers: readonly FieldOrigins[]): string {
  return answers
    .map(({ object, field, origins }) => {
      const rows = origins.map(({ value, file, line, by }, index) => {
        const where = file === '' ? 'set by no file' : `${file}:${line}`;
        return `  ${index === 0 ? '' : '    over '}${shown(value)}   ${where}${by === undefined ? '' : `   by ${by}`}`;
      });
      return `${answers.length > 1 ? `${object} ${field}\n` : ''}${rows.join('\n')}\n`;
    })
    .join('');
}

/** Every field of every object with who set it. */
export function provenanceOf(result: RenderResult): unknown {
  return result.objects.map((object) => ({
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.name,
    ...(object.namespace === '' ? {} : { namespace: object.namespace }),
    fields: [...object.fields()].map(({ path: at }) => ({
      field: fieldPath(at),
      origins: originsOf(object, at),
    })),
  }));
}
