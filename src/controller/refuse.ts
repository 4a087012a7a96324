import { getArray, getObject, isJsonObject } from '../kernel/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import { REFRESH_ANNOTATION } from '../boundaries/sync/index.ts';
import type { ApplicationWriter } from './application-writer.ts';
import { compareWithoutTarget } from './comparison.ts';
import type { Subject } from './look.ts';
import { comparedStatus, kubeTime } from './status.ts';

/** A spec that cannot be honoured: said in the status, and an operation that waits is answered with it. */
export async function refuse(
  { writer, clock }: { readonly writer: ApplicationWriter; readonly clock: Clock },
  { application, spec }: Pick<Subject, 'application' | 'spec'>,
  problems: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const asked = application.metadata.annotations?.[REFRESH_ANNOTATION];
  const now = clock.now();
  const listed = getArray(application, 'status', 'resources').filter(isJsonObject);
  const status = comparedStatus({
    application,
    spec,
    comparison: { ...compareWithoutTarget([]), resources: listed },
    target: undefined,
    commit: undefined,
    invalid: true,
    conditions: problems.map((message) => ({ type: 'InvalidSpecError', message })),
    reconciled: true,
    now,
  });
  const operation = getObject(application, 'operation');
  const ended = (failed: JsonObject): JsonObject => ({
    operation: failed,
    phase: 'Error',
    message: problems.map((problem) => `InvalidSpecError: ${problem}`).join(';'),
    startedAt: kubeTime(now),
    finishedAt: kubeTime(now),
  });
  await writer.write(
    application,
    {
      status: operation === undefined ? status : { ...status, operationState: ended(operation) },
      ...(asked === undefined ? {} : { refreshed: asked }),
      ...(operation === undefined ? {} : { operation: null }),
    },
    signal,
  );
}
