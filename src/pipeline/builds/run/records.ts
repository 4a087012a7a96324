import { asLandfallError, LandfallError } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { Build } from '../../../ledger/index.ts';
import { attachBuildRecord, parseBuildRecord } from '../../../oci/index.ts';
import type { BuildRecord } from '../../../oci/index.ts';
import { planOf } from '../definition.ts';
import type { Ended, RunContext } from './context.ts';
import { patiently, presentAt, recordOf } from './publish.ts';

/** What a process that died has pushed: the digest was written down before, and the registry has it now. */
export async function pushedBefore(
  context: RunContext,
  build: Build,
  signal: AbortSignal,
): Promise<Ended | undefined> {
  const { registry, clock } = context;
  if (build.pushing === undefined) return undefined;
  const present = await patiently(
    clock,
    signal,
    () => {},
    () => presentAt(registry, build.image, signal),
  );
  if (present?.resolution.digest !== build.pushing) return undefined;
  const now = new Date(clock.now()).toISOString();
  const made = recordOf(build, present.resolution, { builtAt: build.startedAt ?? now, pushedAt: now });
  // The one that it wrote down already is attached once, whoever does it.
  const kept =
    build.record === undefined ? undefined : parseBuildRecord(JSON.stringify(build.record), build.id);
  const record = kept?.digest === made.digest ? kept : made;
  await publishRecord(context, build, record, planOf(build).package !== undefined, signal);
  return {
    state: 'SUCCESS',
    message: `pushed ${build.pushing.slice(0, 19)}; the process that pushed it died before it could say so`,
  };
}

/** Keeps the record in the ledger, then beside the image. */
export async function publishRecord(
  context: RunContext,
  build: Build,
  record: BuildRecord,
  own: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { builds, registry, clock } = context;
  await builds.note(build.id, { record: JSON.parse(JSON.stringify(record)) as JsonObject });
  if (own) await context.onPushed?.(record);
  try {
    await patiently(
      clock,
      signal,
      () => {},
      () => attachBuildRecord(registry, record, signal),
    );
  } catch (thrown) {
    const error = asLandfallError(thrown);
    throw new LandfallError(
      `${build.image} was pushed as ${record.digest.slice(0, 19)}, but its record could not be attached: ${error.message}`,
      {
        kind: error.kind,
        code: error.code,
        object: build.image,
        cause: error,
        hint: 'Build it again; the same image is found again.',
      },
    );
  }
}
