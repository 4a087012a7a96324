import type { JsonValue } from '../../kernel/index.ts';
import type { FieldChange, ObjectChange } from '../../kustomize/index.ts';
import type { Style } from './style.ts';

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function pathText(path: readonly (string | number)[]): string {
  return path
    .map((step, index) =>
      typeof step === 'number'
        ? `[${step}]`
        : step.includes('=')
          ? `[${step}]`
          : `${index === 0 ? '' : '.'}${step}`,
    )
    .join('');
}

function fieldLines(field: FieldChange, secret: boolean, style: Style): readonly string[] {
  const name = `    ${pathText(field.path)}:`;
  const plain = `${shown(field.before)} → ${shown(field.after)}`;
  const values = secret
    ? '(values are not shown)'
    : `${style.red(shown(field.before))} → ${style.green(shown(field.after))}`;
  const { cause } = field;
  const where = cause === undefined || cause.file === '' ? undefined : `${cause.file}:${cause.line}`;
  if (where === undefined) return [`${name} ${values}`];
  if (name.length + plain.length + where.length + 4 <= style.width)
    return [`${name} ${values}${style.dim(`   ${where}`)}`];
  return [`${name} ${values}`, style.dim(`      ${where}`)];
}

/** What differs, by object and field, each with the line that causes it. */
export function renderChanges(changes: readonly ObjectChange[], style: Style): string {
  const lines = changes.flatMap((change) => {
    const name = `${change.kind}/${change.namespace === '' ? '' : `${change.namespace}/`}${change.name}`;
    const shape = { added: style.green('+'), removed: style.red('-'), changed: style.yellow('~') }[
      change.change
    ];
    const cause =
      change.fields.length > 0 || change.cause === undefined || change.cause.file === ''
        ? ''
        : style.dim(`   ${change.cause.file}:${change.cause.line}`);
    return [
      `  ${shape} ${name} ${change.change}${cause}`,
      ...change.fields.flatMap((field) => fieldLines(field, change.kind === 'Secret', style)),
    ];
  });
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** The same changes without the values of Secrets. */
export function withoutSecrets(changes: readonly ObjectChange[]): readonly ObjectChange[] {
  return changes.map((change) =>
    change.kind === 'Secret'
      ? {
          ...change,
          fields: change.fields.map((field) => ({
            ...field,
            before: undefined,
            after: undefined,
            cause: undefined,
          })),
        }
      : change,
  );
}
