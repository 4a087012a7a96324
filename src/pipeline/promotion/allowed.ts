import { fieldPath } from '../../boundaries/index.ts';
import type { FieldChange, ObjectChange } from '../../kustomize/index.ts';

/** What a promotion may touch where nothing else is declared. */
export const IMAGES = 'images';

/** One difference of the rendered environment, on one line. Plain JSON. */
export interface ShownChange {
  /** `Deployment/payment-api` */
  readonly object: string;
  /** Empty where the whole object comes or goes. */
  readonly field: string;
  readonly from: string;
  readonly to: string;
  /** `apps/…/patch-image.yaml:10`; empty where no line is known. */
  readonly where: string;
}

const CONTAINERS = new Set(['containers', 'initContainers', 'ephemeralContainers']);

function isImage(path: readonly (string | number)[]): boolean {
  return path.at(-1) === 'image' && CONTAINERS.has(String(path.at(-3)));
}

/** Names of list items and indexes are no part of what landfall.yaml calls a field. */
function plain(path: readonly (string | number)[]): string {
  return path.filter((step) => typeof step === 'string' && !step.includes('=')).join('.');
}

function isAllowed(change: FieldChange, fields: readonly string[]): boolean {
  const name = plain(change.path);
  return fields.some((field) =>
    field === IMAGES ? isImage(change.path) : name === field || name.startsWith(`${field}.`),
  );
}

const LONGEST = 100;

function text(value: unknown, secret: boolean): string {
  if (secret) return '(not shown)';
  const whole = value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value);
  return whole.length > LONGEST ? `${whole.slice(0, LONGEST - 1)}…` : whole;
}

function shownPath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) =>
      typeof step === 'string' && step.includes('=')
        ? `[${step}]`
        : fieldPath([step]).replace(/^/, index === 0 || typeof step === 'number' ? '' : '.'),
    )
    .join('');
}

function whereOf(cause: ObjectChange['cause']): string {
  return cause === undefined || cause.file === '' ? '' : `${cause.file}:${cause.line}`;
}

/** The differences of a render, one line each; the values of Secrets are left out. */
export function shownChanges(changes: readonly ObjectChange[]): readonly ShownChange[] {
  return changes.flatMap((change): readonly ShownChange[] => {
    const object = `${change.kind}/${change.name}`;
    const secret = change.kind === 'Secret';
    if (change.change !== 'changed') {
      const [from, to] = change.change === 'added' ? ['nothing', 'added'] : ['there', 'removed'];
      return [{ object, field: '', from, to, where: whereOf(change.cause) }];
    }
    return change.fields.map((field) => ({
      object,
      field: shownPath(field.path),
      from: text(field.before, secret),
      to: text(field.after, secret),
      where: secret ? '' : whereOf(field.cause),
    }));
  });
}

/**
 * Those that a change may not make: other fields than are declared, and objects that come or go. `*` stands for
 * everything, for the revert of a commit.
 */
export function forbiddenChanges(
  changes: readonly ObjectChange[],
  fields: readonly string[],
): readonly ObjectChange[] {
  if (fields.includes('*')) return [];
  return changes.flatMap((change): readonly ObjectChange[] => {
    if (change.change !== 'changed') return [change];
    const left = change.fields.filter((field) => !isAllowed(field, fields));
    return left.length === 0 ? [] : [{ ...change, fields: left }];
  });
}
