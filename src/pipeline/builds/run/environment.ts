import { readFile } from 'node:fs/promises';
import { LandfallError, messageOf } from '../../../kernel/index.ts';
import type { Build } from '../../../ledger/index.ts';
import { branchOf, tagOf } from '../definition.ts';
import type { BuildPlan } from '../definition.ts';
import type { Secret } from './output.ts';
import { BUILD_VARIABLE } from './processes.ts';
import type { Workspace } from './workspace.ts';

export interface StepEnvironment {
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly Secret[];
}

const LARGEST = 64 * 1024;
/** A shorter value could not be left out of an output without leaving out everything. */
const SHORTEST = 4;
const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type SecretSource = NonNullable<BuildPlan['secretEnv']>[string];

async function lookUp(name: string, from: SecretSource, server: NodeJS.ProcessEnv): Promise<string> {
  const refuse = (why: string) =>
    new LandfallError(`The secret ${name} of the build cannot be used: ${why}.`, {
      kind: 'invalid-input',
      code: 'build-secret',
      object: name,
      hint: 'Set the variable for landfall serve, or mount the file, and see that it may be read.',
    });
  let value: string | undefined;
  if (typeof from === 'string') value = server[from];
  else {
    try {
      value = (await readFile(from.file, 'utf8')).replace(/\r?\n$/, '');
    } catch (thrown) {
      throw refuse(messageOf(thrown));
    }
  }
  const source = typeof from === 'string' ? `the variable ${from}` : from.file;
  if (value === undefined || value === '') throw refuse(`${source} is empty or not there`);
  if (value.length < SHORTEST) throw refuse(`${source} holds fewer than ${SHORTEST} characters`);
  if (value.length > LARGEST || value.includes('\0'))
    throw refuse(`${source} holds no text of at most 64 KiB`);
  return value;
}

/**
 * The whole environment of a step: where to find programs, a home and a temporary folder of its own, what is built, and
 * what is declared. Nothing else of the server's environment; names of refs are values, never words of a command.
 */
export async function stepEnvironment(
  build: Build,
  plan: BuildPlan,
  step: { readonly env?: BuildPlan['env']; readonly secretEnv?: BuildPlan['secretEnv'] },
  workspace: Workspace,
  server: NodeJS.ProcessEnv,
): Promise<StepEnvironment> {
  const tag = tagOf(build.ref);
  const branch = branchOf(build.ref);
  const env: Record<string, string> = {
    PATH: server['PATH'] ?? PATH_DEFAULT,
    HOME: workspace.home,
    TMPDIR: workspace.temporary,
    LANG: 'C.UTF-8',
    CI: 'true',
    LANDFALL: 'true',
    LANDFALL_COMMIT: build.commit,
    LANDFALL_REF: build.ref,
    LANDFALL_IMAGE: build.image,
    LANDFALL_TRIGGER: build.trigger,
    ...(tag === undefined ? {} : { LANDFALL_TAG: tag }),
    ...(branch === undefined ? {} : { LANDFALL_BRANCH: branch }),
    ...plan.env,
    ...step.env,
  };
  const secrets: Secret[] = [];
  for (const [name, from] of Object.entries({ ...plan.secretEnv, ...step.secretEnv })) {
    const value = await lookUp(name, from, server);
    env[name] = value;
    secrets.push({ name, value });
  }
  // Last: by it every process of the build is found again.
  return { env: { ...env, [BUILD_VARIABLE]: build.id }, secrets };
}
