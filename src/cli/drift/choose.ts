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

/** Fields are compared as they are shown, however they were written: `spec.replicas`, `spec["replicas"]`. */
function sameField(drift: Drift, text: string): boolean {
  return parseFieldPath(drift.field).join('\u0000') === parseFieldPath(text).join('\u0000');
}

function withField(drifts: readonly Drift[], field: string): readonly Drift[] {
  if (!field.includes(':')) return drifts.filter((drift) => sameField(drift, field));
  const { kind, name } = parseQuestion(field);
  const text = field.slice(field.indexOf(':') + 1);
  return drifts.filter((drift) => isObject(drift, `${kind}/${name}`) && sameField(drift, text));
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
  const found = field === undefined ? ofObject : withField(ofObject, field);
  if (found.length > 0 || !acting || (field !== undefined && choice.agrees(field))) return found;
  const wanted = field ?? object ?? '';
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
