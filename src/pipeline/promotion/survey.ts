import type { GitMirror, GitMirrors } from '../../git/index.ts';
import { getArray } from '../../kernel/index.ts';
import { asLandfallError, LandfallError, mapBounded, nearest } from '../../kernel/index.ts';
import type { ClusterIdentity, KubeObject } from '../../kube/index.ts';
import type { LedgerSubject } from '../../ledger/index.ts';
import { fromGit, listApplications, readDelivered } from '../../verdict/index.ts';
import type { ApplicationSpec, Sources } from '../../verdict/index.ts';
import { LANDFALL_FILE, parseLandfallYaml } from '../landfall-yaml/index.ts';
import type { LandfallYaml } from '../landfall-yaml/index.ts';
import { environmentNamed, environmentsOf, placeOf } from './environments.ts';
import type { Environment } from './environments.ts';

/** One cluster that is looked at, and how it is called. */
export interface ClusterPlace {
  /** Context of the kubeconfig; empty for the one that is current. */
  readonly context: string;
  readonly sources: Sources;
  /** Only the applications of this namespace. */
  readonly namespace?: string | undefined;
  /** Which cluster it is; left out: its address has to say so. */
  readonly identify?: (() => Promise<ClusterIdentity>) | undefined;
  /** Repositories as an application may read and write them; left out: as this user does. */
  readonly gitOf?: ((application: KubeObject) => GitMirrors) | undefined;
}

/** An application with its place in the way of a release. */
export interface SurveyedApplication {
  readonly spec: ApplicationSpec;
  readonly family: string;
  readonly environment: string;
  readonly place: ClusterPlace;
  /** landfall.yaml of its repository's default branch; undefined where there is none. */
  readonly file: LandfallYaml | undefined;
}

export interface Survey {
  readonly applications: readonly SurveyedApplication[];
  /** Applications that could not be read, with the reason. */
  readonly problems: readonly { readonly application: string; readonly why: string }[];
  /** Applications that no commit can change: nothing is promoted into them, and nothing is wrong with that. */
  readonly elsewhere: readonly { readonly application: string; readonly why: string }[];
}

const AT_ONCE = 8;

export function subjectOfApplication({
  spec,
  place,
}: Pick<SurveyedApplication, 'spec' | 'place'>): LedgerSubject {
  return { cluster: place.sources.kube.server, namespace: spec.namespace, application: spec.name };
}

/** The landfall.yaml that decides on promotion: of the default branch, whatever revision an application tracks. */
async function decidingFile(mirror: GitMirror, signal: AbortSignal): Promise<LandfallYaml | undefined> {
  await mirror.fetch(signal);
  const { commit } = await mirror.resolve('HEAD', signal);
  const bytes = await mirror.tree(commit).readFile(LANDFALL_FILE);
  return bytes === undefined ? undefined : parseLandfallYaml(Buffer.from(bytes).toString('utf8'));
}

/** Every application of the clusters, each repository's landfall.yaml read once. One that cannot be read is a line. */
export async function surveyApplications(
  places: readonly ClusterPlace[],
  signal: AbortSignal,
): Promise<Survey> {
  // Of the mirror, not of the URL: who may not read a repository learns nothing of it from those who may.
  const files = new Map<GitMirror, Promise<LandfallYaml | undefined>>();
  const problems: { application: string; why: string }[] = [];
  const elsewhere: { application: string; why: string }[] = [];
  const found = await mapBounded(
    (
      await Promise.all(
        places.map(async (place) =>
          (await listApplications(place.sources.kube, place.namespace, signal)).map((object) => ({
            object,
            place,
          })),
        ),
      )
    ).flat(),
    AT_ONCE,
    async ({ object, place: cluster }): Promise<SurveyedApplication | undefined> => {
      const { name } = object.metadata;
      const { sources, gitOf } = cluster;
      const place =
        gitOf === undefined ? cluster : { ...cluster, sources: { ...sources, git: gitOf(object) } };
      try {
        const spec = await readDelivered(place.sources.kube, object, signal);
        if (spec.from.kind !== 'git') {
          elsewhere.push({ application: name, why: whyNotFromGit(spec) });
          return undefined;
        }
        const mirror = place.sources.git.open(spec.repository);
        const reading = files.get(mirror) ?? decidingFile(mirror, signal);
        files.set(mirror, reading);
        const file = await reading;
        const valueFiles = getArray(spec.source.raw, 'helm', 'valueFiles').filter(
          (each): each is string => typeof each === 'string',
        );
        const { family, environment } = placeOf(
          { name, path: spec.path, valueFiles, destination: spec.destination },
          file,
        );
        return { spec, family, environment, place, file };
      } catch (thrown) {
        signal.throwIfAborted();
        problems.push({ application: name, why: asLandfallError(thrown).message });
        return undefined;
      }
    },
  );
  return { applications: found.filter((each) => each !== undefined), problems, elsewhere };
}

function whyNotFromGit(spec: ApplicationSpec): string {
  try {
    fromGit(spec);
    return '';
  } catch (thrown) {
    return asLandfallError(thrown).message;
  }
}

/** The environments of a workload, in order, as the repository of one of its applications says. */
export function familyEnvironments(survey: Survey, of: SurveyedApplication): readonly Environment[] {
  const present = survey.applications.filter(({ family }) => family === of.family);
  return environmentsOf(
    of.file,
    present.map(({ environment }) => environment),
  );
}

export interface PairQuestion {
  /** A workload, or an application. */
  readonly app: string;
  /** Environment or application to come from; left out: the one before `to`. */
  readonly from: string | undefined;
  /** Environment or application to go to; left out: the one after `from`. */
  readonly to: string | undefined;
}

/** Where a release comes from and where it is to go. */
export interface Pair {
  readonly source: SurveyedApplication;
  readonly target: SurveyedApplication;
  readonly environment: Environment;
}

function refuse(code: string, message: string, hint: string, object: string): LandfallError {
  return new LandfallError(message, { kind: 'invalid-input', code, object, hint });
}

/** The applications of a workload, or of the workload that an application delivers. */
export function membersOf(survey: Survey, app: string): readonly SurveyedApplication[] {
  const { applications, problems, elsewhere } = survey;
  const exact = applications.find(({ spec }) => spec.name === app);
  const family = applications.some((each) => each.family === app) ? app : exact?.family;
  const members = applications.filter((each) => each.family === family);
  if (family !== undefined) return members;
  const names = [...new Set(applications.flatMap((each) => [each.family, each.spec.name]))];
  const near = nearest(app, names);
  const unread = [...problems, ...elsewhere].find(({ application }) => application === app);
  throw new LandfallError(
    unread === undefined
      ? `No application is '${app}', and none delivers a workload of that name.`
      : `${app} cannot be read: ${unread.why}`,
    {
      kind: 'not-found',
      code: 'application-not-found',
      object: app,
      hint:
        near.length > 0
          ? `Did you mean ${near.slice(0, 3).join(', ')}?`
          : names.length === 0
            ? 'The cluster has no application.'
            : `There are ${names.slice(0, 8).join(', ')}.`,
    },
  );
}

function one(members: readonly SurveyedApplication[], wanted: string, what: string): SurveyedApplication {
  const environments = [...new Set(members.map(({ environment }) => environment))];
  const found = members.filter(({ environment, spec }) => environment === wanted || spec.name === wanted);
  const [first, second] = found;
  if (first === undefined) {
    const near = nearest(wanted, [...environments, ...members.map(({ spec }) => spec.name)]);
    throw refuse(
      'environment-not-found',
      `${members[0]?.family ?? ''} has no environment '${wanted}' to promote ${what}.`,
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : `It is in ${environments.join(', ') || 'none'}.`,
      wanted,
    );
  }
  if (second !== undefined) {
    throw refuse(
      'environment-ambiguous',
      `${first.family} is in ${wanted} ${found.length} times: ${found.map(({ spec }) => spec.name).join(', ')}.`,
      `Name the application instead: --${what === 'from' ? 'from' : 'to'} ${first.spec.name}.`,
      wanted,
    );
  }
  return first;
}

/** The two applications that a promotion is between. Throws `invalid-input` or `not-found` with the nearest names. */
export function findPair(survey: Survey, { app, from, to }: PairQuestion): Pair {
  const members = membersOf(survey, app);
  const [any] = members;
  if (any === undefined) throw refuse('application-not-found', `There is no '${app}'.`, '', app);
  const environments = familyEnvironments(survey, any);
  const exact = survey.applications.find(({ spec }) => spec.name === app);
  // An application's own name says where it comes from, unless it is the name of the workload as well.
  const named = exact !== undefined && exact.family !== app ? exact.environment : undefined;
  const fromName = from === undefined ? named : (environmentNamed(from, environments)?.name ?? from);
  const toName = to === undefined ? undefined : (environmentNamed(to, environments)?.name ?? to);
  const chain = () => environments.map(({ name }) => name).join(' → ');
  if (toName === undefined) {
    const next = environments.find((each) => fromName !== undefined && each.from === fromName);
    if (fromName === undefined || next === undefined)
      throw refuse(
        'promotion-where',
        fromName === undefined
          ? `Where ${app} is to be promoted was not said.`
          : `Nothing comes after ${fromName} for ${app}.`,
        `Say --from and --to: ${chain()}.`,
        app,
      );
    const target = one(members, next.name, 'to');
    return { source: one(members, fromName, 'from'), target, environment: next };
  }
  const target = one(members, toName, 'to');
  const environment = familyEnvironments(survey, target).find(({ name }) => name === target.environment) ?? {
    name: target.environment,
    declared: false,
    from: undefined,
    policy: {},
  };
  const before = fromName ?? environment.from;
  if (before === undefined)
    throw refuse(
      'promotion-where',
      `Nothing comes before ${target.environment} for ${app}.`,
      `Say --from: ${chain()}.`,
      app,
    );
  const source = one(members, before, 'from');
  if (source === target)
    throw refuse(
      'promotion-where',
      `${app} cannot be promoted from ${before} to itself.`,
      `Environments are ${chain()}.`,
      app,
    );
  return { source, target, environment };
}
