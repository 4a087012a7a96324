import { LandfallError, nearest } from '../../kernel/index.ts';
import type { LandfallYaml, PromotionPolicy } from '../landfall-yaml/index.ts';

/** What is known of an application without asking what it renders. */
export interface Placeable {
  readonly name: string;
  /** Folder of its manifests; `.` for the root. */
  readonly path: string;
  /** Value files of a chart, as the Application names them. */
  readonly valueFiles: readonly string[];
  /** Namespace that it is delivered to. */
  readonly destination: string;
}

/** Where an application stands in the way of a release. */
export interface Place {
  /** The workload that several applications deliver, one per environment: `payment-api`. */
  readonly family: string;
  readonly environment: string;
  /** Said by landfall.yaml; else read from the shape of the repository. */
  readonly declared: boolean;
}

/** In the order in which a change usually reaches them; names of one line are one step. */
const USUAL: readonly (readonly string[])[] = [
  ['dev', 'development', 'develop', 'sandbox'],
  ['test', 'testing', 'int', 'integration'],
  ['qa'],
  ['staging', 'stage', 'stg', 'uat'],
  ['preprod', 'pre-prod', 'preproduction'],
  ['prod', 'production', 'prd', 'live'],
];
const KNOWN = new Set(USUAL.flat());

/** Folders that hold environments. */
const HOLDERS = new Set(['overlays', 'environments', 'envs', 'env', 'clusters', 'stages']);
/** Folders that name no workload. */
const GENERAL = new Set([
  '',
  '.',
  'apps',
  'k8s',
  'deploy',
  'manifests',
  'kubernetes',
  'platform',
  'gitops',
  'base',
]);

/** `staging-values.yaml`, `values-staging.yaml`, `environments/staging/values.yaml`. */
function ofValueFile(file: string): string | undefined {
  const steps = file.split('/');
  const name = (steps.at(-1) ?? '').replace(/\.ya?ml$/, '');
  const beside = /^(.+)[-_.]values$/.exec(name)?.[1] ?? /^values[-_.](.+)$/.exec(name)?.[1];
  if (beside !== undefined) return beside;
  const folder = steps.at(-2);
  return folder !== undefined && (HOLDERS.has(steps.at(-3) ?? '') || KNOWN.has(folder)) ? folder : undefined;
}

function ofPath(path: string): string | undefined {
  const steps = path.split('/');
  const held = steps.findLastIndex((step) => HOLDERS.has(step));
  return (held >= 0 ? steps[held + 1] : undefined) ?? steps.findLast((step) => KNOWN.has(step));
}

/** `payment-api-staging`, `prod-tomoda`. */
function ofName(name: string): string | undefined {
  return [...KNOWN].find(
    (known) => name === known || name.endsWith(`-${known}`) || name.startsWith(`${known}-`),
  );
}

function without(name: string, environment: string): string {
  if (name.endsWith(`-${environment}`)) return name.slice(0, -environment.length - 1);
  if (name.startsWith(`${environment}-`)) return name.slice(environment.length + 1);
  return name;
}

/** The folder that the environments of a workload have in common: `apps/payment-api/overlays/dev` → `payment-api`. */
function familyOfPath(path: string, environment: string): string | undefined {
  const steps = path.split('/');
  const at = steps.lastIndexOf(environment);
  const before = steps.slice(0, at < 0 ? steps.length : at).findLast((step) => !HOLDERS.has(step));
  const after = at < 0 ? undefined : steps[at + 1];
  return [after, before].find((step) => step !== undefined && !GENERAL.has(step) && !KNOWN.has(step));
}

/** Environment and workload of an application: as landfall.yaml declares it, else by folder, value file, name. */
export function placeOf(application: Placeable, file: LandfallYaml | undefined): Place {
  const { name, path, valueFiles, destination } = application;
  const declared = file?.environments?.find((each) => each.applications?.includes(name) === true)?.name;
  const environment =
    declared ??
    ofPath(path) ??
    valueFiles.map(ofValueFile).find((found) => found !== undefined) ??
    ofName(name) ??
    ofName(destination) ??
    destination;
  // What is declared may be called otherwise in names and folders: prod for production.
  const spoken = [environment, ofName(name)].filter((each) => each !== undefined);
  const stripped = spoken.map((each) => without(name, each)).find((each) => each !== name);
  const folder = [environment, ofPath(path) ?? environment]
    .map((each) => familyOfPath(path, each))
    .find((found) => found !== undefined);
  return {
    family: stripped ?? (name === environment ? folder : undefined) ?? name,
    environment,
    declared: declared !== undefined,
  };
}

/** An environment with the ones that a release comes from and how. */
export interface Environment {
  readonly name: string;
  readonly declared: boolean;
  /** The environment before it; undefined for the first. */
  readonly from: string | undefined;
  readonly policy: PromotionPolicy;
}

function usualRank(name: string): number {
  const at = USUAL.findIndex((names) => names.includes(name));
  return at < 0 ? 3.5 : at;
}

/**
 * The environments in the order in which a release passes them: as declared, the others behind by what they are
 * called. Throws `invalid-input` where landfall.yaml promotes from an environment that is not there.
 */
export function environmentsOf(
  file: LandfallYaml | undefined,
  present: readonly string[],
): readonly Environment[] {
  const declared = file?.environments ?? [];
  const names = declared.map(({ name }) => name);
  const others = [...new Set(present)].filter((name) => !names.includes(name));
  others.sort((a, b) => usualRank(a) - usualRank(b) || (a < b ? -1 : 1));
  // What nobody has declared stands alone beside an order that somebody has.
  const all = names.length === 0 ? others : names;
  const order = all.map((name, index): Environment => {
    const policy = declared.find((each) => each.name === name)?.promotion ?? {};
    const from = policy.from ?? all[index - 1];
    if (from !== undefined && (from === name || (policy.from !== undefined && !all.includes(from)))) {
      const near = nearest(from, all);
      throw new LandfallError(
        `landfall.yaml promotes to '${name}' from '${from}', which is ${from === name ? 'the same environment' : 'no environment'}.`,
        {
          kind: 'invalid-input',
          code: 'promotion-from',
          object: name,
          hint:
            near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Environments are ${all.join(', ')}.`,
        },
      );
    }
    return { name, declared: names.includes(name), from, policy };
  });
  const alone = names.length === 0 ? [] : others;
  return [...order, ...alone.map((name) => ({ name, declared: false, from: undefined, policy: {} }))];
}

/** Names of one environment are one: `production` is found by `prod` where there is no other. */
export function environmentNamed(
  wanted: string,
  environments: readonly Environment[],
): Environment | undefined {
  const exact = environments.find(({ name }) => name === wanted);
  if (exact !== undefined) return exact;
  const group = USUAL.find((names) => names.includes(wanted)) ?? [];
  const alike = environments.filter(({ name }) => group.includes(name));
  return alike.length === 1 ? alike[0] : undefined;
}
