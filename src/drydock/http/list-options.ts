import { forbiddenField, unsupported } from '../kinds/field-errors.ts';
import { badRequest, invalid, type FieldError } from '../machinery/status-errors.ts';

const MATCH = 'resourceVersionMatch';

function listProblems(query: URLSearchParams, match: string): FieldError[] {
  const errors: FieldError[] = [];
  const version = query.get('resourceVersion') ?? '';
  if (match !== '') {
    if (version === '') {
      errors.push(forbiddenField(MATCH, `${MATCH} is forbidden unless resourceVersion is provided`));
    }
    if ((query.get('continue') ?? '') !== '') {
      errors.push(forbiddenField(MATCH, `${MATCH} is forbidden when continue is provided`));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(unsupported(MATCH, match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && version === '0') {
      errors.push(forbiddenField(MATCH, `${MATCH} "exact" is forbidden for resourceVersion "0"`));
    }
  }
  if (query.has('sendInitialEvents')) {
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function watchProblems(query: URLSearchParams, match: string): FieldError[] {
  const errors: FieldError[] = [];
  const initial = query.has('sendInitialEvents');
  if (initial && match !== 'NotOlderThan') {
    errors.push(forbiddenField(MATCH, `sendInitialEvents requires setting ${MATCH} to NotOlderThan`));
  }
  if (match === '') return errors;
  if (!initial) {
    errors.push(
      forbiddenField(MATCH, `${MATCH} is forbidden for watch unless sendInitialEvents is provided`),
    );
  }
  if (match !== 'NotOlderThan') errors.push(unsupported(MATCH, match, ['NotOlderThan']));
  if ((query.get('continue') ?? '') !== '') {
    errors.push(forbiddenField(MATCH, `${MATCH} is forbidden when continue is provided`));
  }
  return errors;
}

/**
 * Refuses options of a list or a watch that contradict each other: 422 in the words of apimachinery's
 * pkg/apis/meta/internalversion/validation, 400 for what is no number.
 */
export function checkListOptions(query: URLSearchParams, watch: boolean): void {
  const seconds = query.get('timeoutSeconds') ?? '';
  if (seconds !== '' && !/^[-+]?\d+$/.test(seconds)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(seconds)}: invalid syntax`);
  }
  const match = query.get(MATCH) ?? '';
  const errors = watch ? watchProblems(query, match) : listProblems(query, match);
  if (errors.length > 0) throw invalid('meta.k8s.io', 'ListOptions', '', errors);
}
