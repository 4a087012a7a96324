import { createHash } from 'node:crypto';
import { asLandfallError, getIn, getObject, getString } from '../../kernel/index.ts';
import type { Clock, JsonObject, JsonValue, LandfallError } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { compilePattern, compilePolicy } from '../../boundaries/intent/index.ts';
import { intervalOf, policyRule, repositoryOf } from '../../pipeline/index.ts';
import type { FluxObjects, ImageRule, Registries, UpdateReport } from '../../pipeline/index.ts';
import { handled, requested, withConditions, writeStatus } from '../flux/kinds.ts';
import type { Conditions } from '../flux/kinds.ts';
import { kubeTime } from '../status.ts';

/** Keeps the statuses of Flux' image objects as its own controllers write them. */
export interface FluxImages {
  /** Scans every ImageRepository that is due, and says what every ImagePolicy chooses. */
  reflect(objects: FluxObjects, mine: (key: string) => boolean, signal: AbortSignal): Promise<void>;
  /** What a cycle of an automation ended with. */
  automation(object: KubeObject, report: UpdateReport, signal: AbortSignal): Promise<void>;
}

export interface FluxImagesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly registries: Registries;
}

const LATEST = 10;

export function createFluxImages({ client, clock, registries }: FluxImagesOptions): FluxImages {
  /** By repository and whose credentials: the tags of its last scan. */
  const scans = new Map<string, readonly string[]>();

  function keyOf(object: KubeObject): string {
    return `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  }

  async function write(
    object: KubeObject,
    fields: JsonObject,
    conditions: Conditions,
    signal: AbortSignal,
  ): Promise<void> {
    const status: JsonObject = {
      ...getObject(object, 'status'),
      ...fields,
      ...handled(object),
      observedGeneration: object.metadata.generation ?? 1,
      conditions: withConditions(object, conditions, clock.now()),
    };
    await writeStatus(client, object, status, signal);
  }

  function isDue(repository: KubeObject): boolean {
    if (requested(repository) !== undefined || !scans.has(keyOf(repository))) return true;
    if (getIn(repository, 'status', 'observedGeneration') !== repository.metadata.generation) return true;
    const last = Date.parse(getString(repository, 'status', 'lastScanResult', 'scanTime') ?? '');
    return Number.isNaN(last) || clock.now() - last >= intervalOf(repository, 'interval');
  }

  async function scan(repository: KubeObject, signal: AbortSignal): Promise<void> {
    const { name, namespace = '' } = repository.metadata;
    const image = getString(repository, 'spec', 'image') ?? '';
    const secret = getString(repository, 'spec', 'secretRef', 'name');
    try {
      const rule = scanRule(image, namespace, name, secret);
      const excluded = exclusionsOf(repository).map((text) =>
        compilePattern(text, `ImageRepository ${namespace}/${name}`),
      );
      const all = await registries.tags(rule, signal);
      const tags = all.filter((tag) => !excluded.some((pattern) => pattern.test(tag)));
      scans.set(keyOf(repository), tags);
      const sorted = tags.toSorted((a, b) => (a < b ? 1 : -1));
      const revision = checksum(sorted);
      await write(
        repository,
        {
          canonicalImageName: rule.repository,
          lastScanResult: {
            revision,
            tagCount: tags.length,
            scanTime: kubeTime(clock.now()),
            ...(tags.length === 0 ? {} : { latestTags: sorted.slice(0, LATEST) }),
          },
          observedExclusionList: exclusionsOf(repository).slice(),
        },
        ready(`successful scan: found ${tags.length} tags with checksum ${revision}`),
        signal,
      );
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asLandfallError(thrown);
      scans.delete(keyOf(repository));
      await write(repository, {}, notReady(reasonOf(error), error.message), signal);
    }
  }

  async function choose(policy: KubeObject, objects: FluxObjects, signal: AbortSignal): Promise<void> {
    let rule: ImageRule;
    let repository: KubeObject;
    try {
      repository = repositoryOf(policy, objects);
      rule = policyRule(policy, objects, '.');
    } catch (thrown) {
      await write(policy, {}, notReady('DependencyNotReady', asLandfallError(thrown).message), signal);
      return;
    }
    const tags = scans.get(keyOf(repository));
    if (tags === undefined || tags.length === 0) {
      const message = `no tags in database for ${rule.repository}`;
      await write(policy, {}, notReady('DependencyNotReady', message), signal);
      return;
    }
    try {
      const chooser = compilePolicy(rule.policy, { ...rule.filter, ignorePatterns: [] }, rule.where);
      const choice = chooser.choose(tags);
      if (choice.tag === undefined) {
        await write(policy, {}, notReady('Failure', choice.why), signal);
        return;
      }
      const before = getObject(policy, 'status', 'latestRef');
      const digest = await digestOf(rule, choice.tag, before, signal);
      const latest: JsonObject = {
        name: getString(repository, 'spec', 'image') ?? rule.image,
        tag: choice.tag,
        ...(digest === undefined ? {} : { digest }),
      };
      const changed = before !== undefined && textOf(before) !== textOf(latest);
      const text = (ref: JsonValue | undefined) => textOf(ref);
      const previous = changed ? before : getObject(policy, 'status', 'observedPreviousRef');
      await write(
        policy,
        { latestRef: latest, ...(changed ? { observedPreviousRef: before } : {}) },
        ready(
          `Latest image tag for ${getString(latest, 'name') ?? ''} resolved to ${choice.tag}${
            digest === undefined ? '' : ` with digest ${digest}`
          }${previous === undefined ? '' : ` (previously ${text(previous)})`}`,
        ),
        signal,
      );
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asLandfallError(thrown);
      const stalled = error.kind === 'invalid-input' && error.code !== 'tag-not-numerical';
      await write(
        policy,
        {},
        stalled
          ? { ...notReady('InvalidPolicy', error.message), Stalled: stall('InvalidPolicy', error.message) }
          : notReady('Failure', error.message),
        signal,
      );
    }
  }

  /** As `digestReflectionPolicy` says: never, once for each tag, or always what the tag is now. */
  async function digestOf(
    rule: ImageRule,
    tag: string,
    before: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (rule.digests === 'Never') return undefined;
    const known = getString(before, 'tag') === tag ? getString(before, 'digest') : undefined;
    if (rule.digests === 'IfNotPresent' && known !== undefined) return known;
    return registries.digestNow(rule, tag, signal);
  }

  return {
    async reflect(objects, mine, signal) {
      const scanned = new Set<string>();
      for (const repository of objects.repositories) {
        if (getIn(repository, 'spec', 'suspend') === true || !mine(keyOf(repository))) continue;
        if (!isDue(repository)) continue;
        await scan(repository, signal);
        scanned.add(keyOf(repository));
      }
      for (const policy of objects.policies) {
        if (getIn(policy, 'spec', 'suspend') === true || !mine(keyOf(policy))) continue;
        const observed = getIn(policy, 'status', 'observedGeneration') === policy.metadata.generation;
        const from = fromRepository(policy, objects);
        const always = getString(policy, 'spec', 'digestReflectionPolicy') === 'Always';
        const news = from === undefined || scanned.has(keyOf(from));
        if (observed && !news && !always && requested(policy) === undefined) continue;
        if (from !== undefined && !scans.has(keyOf(from)) && !mine(keyOf(from))) {
          await scanFor(from, signal);
        }
        await choose(policy, objects, signal);
      }
    },
    async automation(object, report, signal) {
      const { updater, images, outcome, commit, branch, at } = report;
      const observed = Object.fromEntries(
        images.flatMap(({ rule, chosen }) => {
          if (chosen === undefined) return [];
          const name = rule.name.slice(rule.name.indexOf('/') + 1);
          const digest = rule.digests === 'Never' ? undefined : chosen.digest;
          return [[name, { name: rule.image, tag: chosen.tag, ...(digest === undefined ? {} : { digest }) }]];
        }),
      );
      const failed = outcome === 'failed';
      await write(
        object,
        {
          lastAutomationRunTime: kubeTime(Date.parse(at)),
          ...(commit === undefined
            ? {}
            : {
                lastPushCommit: commit,
                lastPushTime: kubeTime(Date.parse(at)),
                ...(branch === updater.git.revision
                  ? { observedSourceRevision: `${branch}@sha1:${commit}` }
                  : {}),
              }),
          ...(failed ? {} : { observedPolicies: observed }),
        },
        failed
          ? notReady(
              report.code?.startsWith('git-') === true ? 'GitOperationFailed' : 'UpdateFailed',
              report.why,
            )
          : ready('repository up-to-date'),
        signal,
      );
    },
  };

  /** Another replica scans it; its tags are needed here all the same. */
  async function scanFor(repository: KubeObject, signal: AbortSignal): Promise<void> {
    const { name, namespace = '' } = repository.metadata;
    const secret = getString(repository, 'spec', 'secretRef', 'name');
    try {
      const rule = scanRule(getString(repository, 'spec', 'image') ?? '', namespace, name, secret);
      scans.set(keyOf(repository), await registries.tags(rule, signal));
    } catch {
      signal.throwIfAborted();
      // Its own status says why.
    }
  }
}

function fromRepository(policy: KubeObject, objects: FluxObjects): KubeObject | undefined {
  try {
    return repositoryOf(policy, objects);
  } catch {
    return undefined;
  }
}

/** A rule that only lists tags. */
function scanRule(image: string, namespace: string, name: string, secret: string | undefined): ImageRule {
  const policy: KubeObject = {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImagePolicy',
    metadata: { name, namespace },
    spec: { imageRepositoryRef: { name }, policy: { alphabetical: {} } },
  };
  const repository: KubeObject = {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImageRepository',
    metadata: { name, namespace },
    spec: { image, ...(secret === undefined ? {} : { secretRef: { name: secret } }) },
  };
  return policyRule(
    policy,
    {
      repositories: [repository],
      policies: [],
      automations: [],
      gitRepositories: [],
      kustomizations: [],
      namespaces: [],
    },
    '.',
  );
}

function exclusionsOf(repository: KubeObject): readonly string[] {
  const given = getIn(repository, 'spec', 'exclusionList');
  const texts = Array.isArray(given) ? given.filter((item): item is string => typeof item === 'string') : [];
  return texts.length === 0 ? ['^.*\\.sig$'] : texts;
}

function checksum(tags: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(tags)).digest('hex').slice(0, 16);
}

function textOf(reference: JsonValue | undefined): string {
  const digest = getString(reference, 'digest');
  return `${getString(reference, 'name') ?? ''}:${getString(reference, 'tag') ?? ''}${
    digest === undefined ? '' : `@${digest}`
  }`;
}

function ready(message: string): Conditions {
  return {
    Ready: { status: 'True', reason: 'Succeeded', message },
    Reconciling: undefined,
    Stalled: undefined,
  };
}

function notReady(reason: string, message: string): Conditions {
  return {
    Ready: { status: 'False', reason, message },
    Reconciling: { status: 'True', reason: 'ProgressingWithRetry', message: 'reconciliation in progress' },
    Stalled: undefined,
  };
}

function stall(reason: string, message: string): NonNullable<Conditions['Stalled']> {
  return { status: 'True', reason, message };
}

function reasonOf(error: LandfallError): string {
  if (error.kind === 'denied' || error.code.startsWith('pull-secret')) return 'AuthenticationFailed';
  return error.code.startsWith('reference-') ? 'ImageURLInvalid' : 'ReadOperationFailed';
}
