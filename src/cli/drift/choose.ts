import { LandfallError, nearest } from '../../kernel/index.ts';
import type { Drift } from '../../boundaries/index.ts';
import { parseFieldPath, parseQuestion } from '../../kustomize/index.ts';
import type { DriftReport } from '../../verdict/index.ts';

export interface DriftChoice {
  readonly field: string | undefined;
  readonly object: string | undefined;
  /** Something is going to be done: then what is meant has to be there. */
  readonly acting: boolean;
  /** Whether the field is there and agrees with Git: then there is nothing to do about it. */
  readonly agrees: (field: string) => boolean;
}

function isObject(drift: Drift, wanted: string): boolean {
  return drift.object.toLowerCase() === wanted.toLowerCase();
}

/** Steps as one text: `metadata.labels["a.b/c"]` and `metadata.labels.a.b/c` are the same. */
function stepsOf(path: readonly (string | number)[]): string {
  return path.map(String).join('.');
}

/** What is asked about: a field, and of which object where that is said. */
interface Asked {
  readonly isOf: (drift: Drift) => boolean;
  readonly steps: string;
  readonly named: boolean;
}

function askedOf(field: string): Asked {
  if (!field.includes(':')) return { isOf: () => true, steps: stepsOf(parseFieldPath(field)), named: false };
  const { kind, namespace, name, path } = parseQuestion(field);
  return {
    isOf: (drift) =>
      isObject(drift, `${kind}/${name}`) && (namespace === undefined || drift.namespace === namespace),
    steps: stepsOf(path),
    named: true,
  };
}

/** A drift of a whole map holds that of each of its fields, and the other way round. */
function isAround(drift: Drift, steps: string): boolean {
  const own = stepsOf(drift.path);
  return own !== '' && (own.startsWith(`${steps}.`) || steps.startsWith(`${own}.`));
}

/** `Deployment/web:spec.replicas` */
export function fieldOf(drift: Drift): string {
  return `${drift.object}:${drift.field}`;
}

/** True where the same field of another object differs, too, so that its name alone does not say which is meant. */
export function isAmbiguous(drift: Drift, drifts: readonly Drift[]): boolean {
  return drifts.some((other) => other.field === drift.field && other.object !== drift.object);
}

function checkOneObject(found: readonly Drift[], field: string, application: string): void {
  const [first] = found;
  if (first === undefined || !isAmbiguous(first, found)) return;
  throw new LandfallError(`${field} differs in ${found.length} objects of ${application}.`, {
    kind: 'invalid-input',
    code: 'drift-ambiguous',
    object: field,
    hint: `Say which: ${found.map(fieldOf).slice(0, 5).join(', ')}.`,
  });
}

/**
 * The drifts that are meant: all of them, those of one object, or one field. For something to be done, only what is
 * unexplained is taken unless a field is named; a name that fits nothing is refused with the nearest ones.
 */
export function chosenDrifts(report: DriftReport, choice: DriftChoice): readonly Drift[] {
  const { field, object, acting } = choice;
  const ofObject = report.drifts.filter((drift) => object === undefined || isObject(drift, object));
  if (field === undefined && object === undefined) {
    return acting ? report.drifts.filter((drift) => !drift.expected) : report.drifts;
  }
  const asked = field === undefined ? undefined : askedOf(field);
  const ofAsked = asked === undefined ? ofObject : ofObject.filter(asked.isOf);
  const found = asked === undefined ? ofAsked : ofAsked.filter(({ path }) => stepsOf(path) === asked.steps);
  if (field !== undefined && acting && asked?.named === false && object === undefined)
    checkOneObject(found, field, report.application);
  const whole = asked?.named === true || object !== undefined;
  const around =
    asked === undefined
      ? []
      : ofAsked.filter((drift) => (drift.field === '' ? whole : isAround(drift, asked.steps)));
  const agrees = field !== undefined && around.length === 0 && choice.agrees(field);
  if (found.length > 0 || !acting || agrees) return found;
  const wanted = field ?? object ?? '';
  if (around.length > 0) {
    throw new LandfallError(
      `${wanted} is part of what differs in ${report.application}, not a drift of its own.`,
      {
        kind: 'not-found',
        code: 'no-such-drift',
        object: wanted,
        hint: `What differs: ${around
          .map((drift) => (drift.field === '' ? `all of ${drift.object}` : fieldOf(drift)))
          .slice(0, 5)
          .join(', ')}.`,
      },
    );
  }
  const names = report.drifts.map((drift) =>
    field === undefined ? drift.object : drift.field || drift.object,
  );
  const near = nearest(wanted, names);
  throw new LandfallError(`${report.application} has no drift in ${wanted}.`, {
    kind: 'not-found',
    code: 'no-such-drift',
    object: wanted,
    hint:
      names.length === 0
        ? 'Nothing differs from Git.'
        : `What differs: ${[...new Set(near.length > 0 ? near : names)].slice(0, 5).join(', ')}.`,
  });
}
