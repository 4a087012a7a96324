import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { shortDigest } from '../../boundaries/index.ts';
import { LandfallError, messageOf, sleep } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { attachBuildRecord, createRegistryClient, parseReference } from '../../oci/index.ts';
import type { BuildRecord } from '../../oci/index.ts';
import { parseBuildReport, readCi, recordOfReport } from '../../pipeline/index.ts';
import type { BuildReport } from '../../pipeline/index.ts';
import type { ReportOptions } from '../commands/builds-report.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { registryOptions } from '../sources.ts';

const TRIES = 4;
const PAUSE_MS = 2_000;
const ATTEMPT_MS = 10_000;

/** The facts of the job, with what the options say before what the CI says. */
function factsOf(options: ReportOptions, io: CliIo) {
  const ci = readCi(io.env);
  const given = {
    builder: options.builder ?? ci?.builder ?? 'unknown',
    job: ci?.job ?? 'build',
    repository: options.repository ?? ci?.repository,
    commit: options.commit ?? ci?.commit,
    ref: options.ref ?? ci?.ref,
    url: options.url ?? ci?.url,
  };
  const missing = (['repository', 'commit', 'ref'] as const).filter((name) => given[name] === undefined);
  if (missing.length > 0) {
    const where = ci === undefined ? 'No CI that is known runs this' : `${ci.builder} does not say`;
    throw new LandfallError(`${where}, and ${missing.map((name) => `--${name}`).join(', ')} is not given.`, {
      kind: 'invalid-input',
      code: 'build-facts',
      hint:
        ci?.builder === 'cloud-build'
          ? 'Set options: {automapSubstitutions: true} in cloudbuild.yaml, and give --repository.'
          : `Give ${missing.map((name) => `--${name} …`).join(' ')}.`,
    });
  }
  return given;
}

/** Asks the registry, attaches the record, tells the server, and says what was done. */
export async function reportBuild(
  image: string | undefined,
  options: ReportOptions,
  io: CliIo,
): Promise<number> {
  const facts = factsOf(options, io);
  if (image === undefined && options.failed !== true) {
    throw new LandfallError('No image was named.', {
      kind: 'invalid-input',
      code: 'build-image',
      hint: 'Name what was pushed, such as registry.corp.io/shop:1.4.0, or say --failed.',
    });
  }
  const base = {
    apiVersion: 'landfall.dev/v1',
    kind: 'BuildReport',
    builder: facts.builder,
    job: facts.job,
    repository: facts.repository ?? '',
    commit: facts.commit ?? '',
    ref: facts.ref ?? '',
    ...(facts.url === undefined ? {} : { url: facts.url }),
    ...(options.message === undefined ? {} : { message: options.message }),
    ...(image === undefined ? {} : { image }),
  };
  let record: BuildRecord | undefined;
  let report: BuildReport;
  if (options.failed === true || image === undefined)
    report = parseBuildReport({ ...base, state: 'FAILURE' });
  else {
    // Whatever is wrong with the facts is told before the registry is asked.
    parseBuildReport({ ...base, state: 'SUCCESS', digest: `sha256:${'0'.repeat(64)}` });
    ({ record, report } = await recorded(image, base, options, io));
  }
  const server = options.server ?? io.env['LANDFALL_SERVER'];
  const told =
    server === undefined || server === '' ? undefined : await tellServer(server, report, options, io);
  io.out(
    formatAnswer(
      options.output,
      { report, record: record ?? null, server: server ?? null, answer: told ?? null },
      () => {
        const mark = outStyle(io).green('✓');
        const first =
          record === undefined
            ? `${mark} build of ${report.commit.slice(0, 12)} failed\n`
            : `${mark} ${record.image} is ${shortDigest(record.digest)}, built from ${record.commit.slice(0, 12)}${options.attach ? '; its record is attached' : ''}\n`;
        return `${first}${told === undefined ? '' : `${mark} told ${server ?? ''}: ${told}\n`}`;
      },
    ),
  );
  return EXIT.ok;
}

async function recorded(image: string, base: JsonObject, options: ReportOptions, io: CliIo) {
  const registry = createRegistryClient(registryOptions(options, io));
  try {
    const resolution = await registry.resolve(parseReference(image), io.signal);
    const report = parseBuildReport({ ...base, state: 'SUCCESS', digest: resolution.digest });
    const other = resolution.manifests
      .map((each) => each.labels['org.opencontainers.image.revision'])
      .find((label) => label !== undefined && label !== report.commit);
    if (other !== undefined) {
      throw new LandfallError(
        `${image} says that it was built from ${other.slice(0, 12)}, and this job builds ${report.commit.slice(0, 12)}.`,
        {
          kind: 'conflict',
          code: 'build-other-commit',
          object: image,
          hint: 'Name the image that this job pushed, or mend its org.opencontainers.image.revision label.',
        },
      );
    }
    const record = recordOfReport(report, image, resolution, new Date(io.clock.now()).toISOString());
    if (options.attach) await attachBuildRecord(registry, record, io.signal);
    return { record, report };
  } finally {
    registry.close();
  }
}

async function secretOf(options: ReportOptions, io: CliIo): Promise<string | undefined> {
  const { secretFile } = options;
  if (secretFile === undefined) return io.env['LANDFALL_WEBHOOK_SECRET'] || undefined;
  try {
    return (await readFile(secretFile, 'utf8')).trim();
  } catch (cause) {
    throw new LandfallError(`The secret could not be read from ${secretFile}: ${messageOf(cause)}.`, {
      kind: 'not-found',
      code: 'webhook-secret-file',
      object: secretFile,
      hint: 'Check the path, and that this user may read it.',
      cause,
    });
  }
}

/** What the server answers. Tried again while it does not. */
async function tellServer(
  server: string,
  report: BuildReport,
  options: ReportOptions,
  io: CliIo,
): Promise<string> {
  const secret = await secretOf(options, io);
  const body = JSON.stringify(report);
  for (let attempt = 1; ; attempt += 1) {
    const timestamp = String(Math.floor(io.clock.now() / 1000));
    let problem: string;
    let again = true;
    try {
      const response = await fetch(`${server}/builds`, {
        method: 'POST',
        // Nobody else than the one who was named is told.
        redirect: 'manual',
        signal: AbortSignal.any([io.signal, AbortSignal.timeout(ATTEMPT_MS)]),
        headers: {
          'content-type': 'application/json',
          'x-landfall-timestamp': timestamp,
          ...(secret === undefined
            ? {}
            : {
                'x-landfall-signature': `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`,
              }),
        },
        body,
      });
      const answer = (await response.text()).slice(0, 300).trim();
      if (response.ok) return answer;
      problem = `it answered ${response.status}: ${answer}`;
      again = response.status === 429 || response.status >= 500;
    } catch (thrown) {
      io.signal.throwIfAborted();
      problem = messageOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
    }
    if (!again || attempt >= TRIES) {
      throw new LandfallError(`${server} was not told of the build: ${problem}.`, {
        kind: again ? 'unavailable' : 'denied',
        code: 'build-report-untold',
        object: server,
        hint: 'Check the address, LANDFALL_WEBHOOK_SECRET on both sides, and their clocks. What was attached stays.',
      });
    }
    await sleep(io.clock, PAUSE_MS * attempt, io.signal);
  }
}
