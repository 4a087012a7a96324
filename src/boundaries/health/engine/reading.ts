import { systemClock } from '../../../kernel/index.ts';
import { isPassive } from '../passive.ts';
import { tidied } from '../tidy.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { splitApiVersion } from '../../../kube/index.ts';
import { engineHealth } from './argocd.ts';
import { genericHealth } from './generic.ts';
import { kstatusHealth } from './kstatus.ts';
import type { KstatusStatus } from './kstatus.ts';
import type { EngineHealthStatus } from './status.ts';

export const ENGINES = ['argocd', 'kstatus'] as const;
export type Engine = (typeof ENGINES)[number];

export interface EngineReading {
  readonly engine: Engine;
  /** In the engine's own words. */
  readonly status: EngineHealthStatus | KstatusStatus;
  readonly message: string;
}

/** The groups that a Kubernetes API server serves itself: of their kinds Argo CD has a rule, or no opinion. */
const BUILT_IN_GROUPS = new Set([
  '',
  'apps',
  'batch',
  'autoscaling',
  'policy',
  'extensions',
  ...[
    'admissionregistration',
    'apiextensions',
    'apiregistration',
    'authentication',
    'authorization',
    'certificates',
    'coordination',
    'discovery',
    'events',
    'flowcontrol.apiserver',
    'internal.apiserver',
    'networking',
    'node',
    'rbac.authorization',
    'resource',
    'scheduling',
    'storage',
    'storagemigration',
  ].map((name) => `${name}.k8s.io`),
]);

/**
 * What an engine says of one live object, for comparison with Landfall's own judgement. Argo CD's rules for built-in
 * kinds are its own; custom resources, for which it ships scripts, are read by generic rules (`genericHealth`).
 * Undefined where Argo CD has no opinion: such objects are left out of an application's health.
 * `now` in ms, for the one rule of kstatus that depends on time (15 s to find a node); default: this machine's clock.
 */
export function engineReading(
  object: KubeObject,
  engine: Engine,
  now: number = systemClock.now(),
): EngineReading | undefined {
  const given = tidied(object);
  if (engine === 'kstatus') {
    const { status, message } = kstatusHealth(given, now);
    return { engine, status, message };
  }
  const known = engineHealth(given);
  if (known !== undefined) return { engine, status: known.status, message: known.message ?? '' };
  if (BUILT_IN_GROUPS.has(splitApiVersion(given.apiVersion).group) || isPassive(given)) return undefined;
  const { status, message } = genericHealth(given);
  return { engine, status, message: message ?? '' };
}
