import type { ApiStatusError } from '../api/contract.ts';
import type { WriteRequest } from './write-request.ts';

/** Unknown and duplicate fields, treated as the request asks: refused, told as warnings, or ignored. */
export function reportProblems(
  request: WriteRequest,
  problems: readonly string[],
  refusal: (text: string) => ApiStatusError,
): void {
  if (problems.length === 0 || request.fieldValidation === 'Ignore') return;
  if (request.fieldValidation === 'Strict') throw refusal(`strict decoding error: ${problems.join(', ')}`);
  for (const problem of problems) request.warn(problem);
}
