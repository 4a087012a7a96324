import { enum as oneOf, literal, strictObject, string } from 'zod';
import type { output } from 'zod';
import { withoutCredentials } from '../../../git/index.ts';
import { asLandfallError, LandfallError } from '../../../kernel/index.ts';
import type { Clock, JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { Build, Builds, NewBuild } from '../../../ledger/index.ts';
import { parseReference } from '../../../oci/index.ts';
import type { BuildRecord, RegistryClient, Resolution } from '../../../oci/index.ts';
import { tagOf } from '../definition.ts';
import { platformDigests } from '../run/publish.ts';

const line = string()
  .max(500)
  .regex(/^[^\p{Cc}]*$/u, 'one line of text is wanted');
const word = line.min(1).regex(/^(?!-)\S+$/, 'a text without spaces that does not begin with "-" is wanted');

/** What another CI says of one of its builds. */
export const buildReport = strictObject({
  apiVersion: literal('landfall.dev/v1'),
  kind: literal('BuildReport'),
  builder: word,
  job: line.min(1),
  repository: word,
  commit: string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'a full commit is wanted'),
  ref: word.regex(/^refs\//, 'a full ref such as refs/heads/main is wanted'),
  url: string()
    .max(1000)
    .regex(/^https?:\/\/[^\s/@]+(?:\/\S*)?$/, 'an http address without user is wanted')
    .exactOptional(),
  state: oneOf(['SUCCESS', 'FAILURE']),
  message: line.exactOptional(),
  /** As it was pushed. */
  image: word.exactOptional(),
  digest: string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'a sha256 digest is wanted')
    .exactOptional(),
}).refine(
  ({ state, image, digest }) => state !== 'SUCCESS' || (image !== undefined && digest !== undefined),
  'a build that succeeded has an image and a digest',
);

export type BuildReport = output<typeof buildReport>;

/** Throws `invalid-input` naming every field that is wrong. */
export function parseBuildReport(json: JsonValue): BuildReport {
  const parsed = buildReport.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.map(String).join('.') || 'the report'}: ${issue.message}`);
  throw new LandfallError(`This is not a build report: ${problems.join('; ')}.`, {
    kind: 'invalid-input',
    code: 'build-report',
    hint: 'Send what landfall builds report makes.',
  });
}

export interface ReceiveContext {
  readonly builds: Builds;
  readonly registry: RegistryClient;
  readonly clock: Clock;
  /** Whether somebody declares this image (without tag): no other registry is asked because of a report. */
  readonly isKnown: (image: string) => boolean;
}

/** The record that a registry's answer makes of a report. */
export function recordOfReport(
  report: BuildReport,
  image: string,
  resolution: Resolution,
  at: string,
): BuildRecord {
  const version = tagOf(report.ref);
  return {
    repository: withoutCredentials(report.repository),
    commit: report.commit,
    ref: report.ref,
    ...(version === undefined ? {} : { version }),
    image,
    ...platformDigests(resolution),
    builtAt: at,
    pushedAt: at,
    builder: report.builder,
    ...(report.url === undefined ? {} : { url: report.url }),
  };
}

interface Seen {
  readonly message: string;
  readonly notes: readonly string[];
  readonly record: BuildRecord | undefined;
}

/** What the registry itself says of a report. A digest that it does not show is recorded as what was said, no more. */
async function lookAt(context: ReceiveContext, report: BuildReport, signal: AbortSignal): Promise<Seen> {
  const { image, digest, builder, message } = report;
  const words = message === undefined || message === '' ? '' : `: ${message}`;
  if (report.state === 'FAILURE' || image === undefined || digest === undefined)
    return { message: `${builder} reported a failure${words}`, notes: [], record: undefined };
  const reported = (why: string): Seen => ({
    message: `reported by ${builder}, not verified: ${why}`,
    notes: [],
    record: undefined,
  });
  try {
    const { registry, repository } = parseReference(image);
    if (!context.isKnown(image)) return reported('no landfall.yaml declares this image');
    const resolution = await context.registry.resolve({ registry, repository, digest }, signal);
    const labels = resolution.manifests.map((each) => each.labels['org.opencontainers.image.revision']);
    const other = labels.find((label) => label !== undefined && label !== report.commit);
    if (other !== undefined)
      return reported(
        `the label of the image says commit ${other.slice(0, 12)}, the report ${report.commit.slice(0, 12)}`,
      );
    const at = new Date(context.clock.now()).toISOString();
    return {
      message: `reported by ${builder}; the registry has ${digest.slice(0, 19)}`,
      notes: labels.includes(undefined)
        ? [
            'the image carries no org.opencontainers.image.revision label: only the report says of which commit it is',
          ]
        : [],
      record: recordOfReport(report, image, resolution, at),
    };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' && signal.aborted) throw error;
    return reported(error.message);
  }
}

/** Keeps a report: the same one again is the same build. */
export async function receiveReport(
  context: ReceiveContext,
  report: BuildReport,
  signal: AbortSignal,
): Promise<Build> {
  const { message, notes, record } = await lookAt(context, report, signal);
  const wanted: NewBuild = {
    declaredIn: report.builder,
    trigger: report.job,
    ref: report.ref,
    commit: report.commit,
    origin: 'report',
    repository: withoutCredentials(report.repository),
    definition: {},
    definitionDigest: '',
    declaredAt: '',
    people: undefined,
    image: report.image ?? '',
    state: report.state,
    message,
    notes,
    record: record === undefined ? undefined : (JSON.parse(JSON.stringify(record)) as JsonObject),
    url: report.url,
  };
  const { build, added } = await context.builds.add(wanted);
  const same =
    build.url === report.url && build.state === report.state && build.image === (report.image ?? '');
  // Another run of the same job, or what could be seen only now.
  const news = !same || (build.record === undefined && record !== undefined);
  return added || !news ? build : (await context.builds.add({ ...wanted, again: true })).build;
}
