import type { KubeObject } from '../../../kube/index.ts';
import type { Attribution } from './attribution.ts';
import { INJECTED } from './injected.ts';
import { writerWords } from './writers.ts';
import type { KnownWriter } from './writers.ts';

/** What a drift means: whether somebody has to decide, who it was, and what to do. */
export interface Judgement {
  readonly expected: boolean;
  /** Stable, kebab-case. */
  readonly reason: string;
  readonly by: string;
  readonly response: string;
}

/** Everything besides the writer that explains a difference. */
export interface Circumstances {
  /** The tracked commit has not been applied to this object yet. */
  readonly pending: boolean;
  /** A rule of the Application leaves the difference to others. */
  readonly ignored: boolean;
  /** Names of the autoscalers that own this field. */
  readonly autoscalers: readonly string[];
  /** Another application that the object says it belongs to. */
  readonly claimedBy: string | undefined;
  /** Whether a delivery controller of that name is the one that this application is delivered by. */
  readonly isOwn: (manager: string) => boolean;
  /** Names of the mutating webhooks that may have done it. */
  readonly webhooks: readonly string[];
}

const COMMIT_OR_REVERT = 'Commit it to the overlay, or let the controller put back what Git says.';
const FIND_WEBHOOK = 'Find the webhook that rewrites it; document it, and ignore just this field.';

/** `; one of a, b and 2 more` */
function candidates(webhooks: readonly string[]): string {
  if (webhooks.length === 0) return '';
  const more = webhooks.length > 3 ? ` and ${webhooks.length - 3} more` : '';
  const names = `${webhooks.slice(0, 3).join(', ')}${more}`;
  return webhooks.length === 1 ? `; only ${names} takes such objects` : `; one of ${names}`;
}

function named(writer: KnownWriter): string {
  return `${writer.manager} (${writerWords(writer.kind)})`;
}

const ROTATORS =
  /^(?:ExternalSecret|ClusterExternalSecret|SealedSecret|Certificate|VaultStaticSecret|VaultDynamicSecret|SecretProviderClass)$/;

/** Who rotates a Secret; a person who changed it is none of them, even where a controller owns it. */
function rotatedBy(live: KubeObject, writer: KnownWriter | undefined): string | undefined {
  if (live.kind !== 'Secret' || writer?.kind === 'person') return undefined;
  const owner = (live.metadata.ownerReferences ?? []).find((reference) => ROTATORS.test(reference.kind));
  if (owner !== undefined) return `${owner.kind}/${owner.name} (it owns this Secret)`;
  return writer?.kind === 'rotation' ? named(writer) : undefined;
}

function explained(live: KubeObject, writer: KnownWriter | undefined, by: string, around: Circumstances) {
  if (around.pending) {
    return {
      expected: true,
      reason: 'not-synced-yet',
      by: 'nobody: the tracked commit has not been applied yet',
      response: 'Wait for the sync, or ask for one: landfall sync.',
    };
  }
  if (around.ignored) {
    return {
      expected: true,
      reason: 'ignored',
      by,
      response: 'Nothing: ignoreDifferences of the Application leaves this field to others.',
    };
  }
  if (around.autoscalers.length > 0) {
    return {
      expected: true,
      reason: 'autoscaled',
      by: `HorizontalPodAutoscaler/${around.autoscalers.join(', ')} (an autoscaler)`,
      response:
        'Leave spec.replicas out of Git: the autoscaler owns it, and every sync sets it back for a moment.',
    };
  }
  const rotator = rotatedBy(live, writer);
  if (rotator === undefined) return undefined;
  return {
    expected: true,
    reason: 'secret-rotated',
    by: rotator,
    response:
      'Keep the data out of Git: let the external source own it, and commit only the reference to it.',
  };
}

function judgeWriter(writer: KnownWriter, around: Circumstances): Judgement {
  const by = named(writer);
  switch (writer.kind) {
    case 'person':
      return { expected: false, reason: 'changed-by-hand', by, response: COMMIT_OR_REVERT };
    case 'autoscaler':
      return {
        expected: false,
        reason: 'autoscaler-gone',
        by: `${by}, and no HorizontalPodAutoscaler targets it now`,
        response: COMMIT_OR_REVERT,
      };
    case 'admission':
      return {
        expected: false,
        reason: 'changed-on-admission',
        by,
        response:
          'Document that webhook, and ignore just this field, or ask Git for the value that it insists on.',
      };
    case 'delivery': {
      const { claimedBy } = around;
      if (claimedBy !== undefined || !around.isOwn(writer.manager)) {
        return {
          expected: false,
          reason: 'claimed-by-another',
          by: claimedBy === undefined ? `${by}, which is not what delivers this` : `${by} for ${claimedBy}`,
          response: 'Two deliveries own one object: take it out of the source of one of them.',
        };
      }
      return {
        expected: false,
        reason: 'rewritten',
        by: `${by}; its own apply was changed on the way, as an admission webhook does${candidates(around.webhooks)}`,
        response: FIND_WEBHOOK,
      };
    }
    case 'rotation':
    case 'controller':
    case 'unknown':
    default:
      return {
        expected: false,
        reason: 'changed-by-another',
        by,
        response: 'Decide who owns the field: take it out of Git, or keep that writer from it.',
      };
  }
}

/** What a field that holds something else than Git asks for means. */
export function judgeChange(live: KubeObject, attribution: Attribution, around: Circumstances): Judgement {
  const writer = attribution.state === 'named' ? attribution.writer : undefined;
  const known = explained(live, writer, byWhom(attribution), around);
  if (known !== undefined) return known;
  if (attribution.state === 'named') return judgeWriter(attribution.writer, around);
  const by = byWhom(attribution);
  switch (attribution.state) {
    case 'taken-out':
      return { expected: false, reason: 'taken-out', by, response: COMMIT_OR_REVERT };
    case 'untold':
      return { expected: false, reason: 'writer-untold', by, response: COMMIT_OR_REVERT };
    case 'unowned':
    default:
      return {
        expected: false,
        reason: 'rewritten',
        by: `${by}${candidates(around.webhooks)}`,
        response: FIND_WEBHOOK,
      };
  }
}

function byWhom(attribution: Attribution): string {
  switch (attribution.state) {
    case 'named':
      return named(attribution.writer);
    case 'taken-out': {
      const { last } = attribution;
      const also =
        last === undefined
          ? ''
          : `; ${named(last)} was the last to write the object${last.time === undefined ? '' : `, at ${last.time}`}`;
      return `somebody who took it out after the last apply, and of whom no managed field is left${also}`;
    }
    case 'untold':
      return 'a writer that is not known: the managed fields of the object do not say who wrote it';
    case 'unowned':
    default:
      return 'nobody that the object names: an admission webhook leaves no name';
  }
}

/** What a field that Git never asked for means. */
export function judgeAddition(writer: KnownWriter, live: KubeObject, webhooks: readonly string[]): Judgement {
  const by =
    writer === INJECTED ? `a mutating webhook, which leaves no name${candidates(webhooks)}` : named(writer);
  if (writer.kind === 'person') {
    return {
      expected: false,
      reason: 'added-by-hand',
      by,
      response: 'Commit it to the overlay, or take it out: no sync removes what Git never asked for.',
    };
  }
  const rotator = rotatedBy(live, writer);
  if (rotator !== undefined) {
    return { expected: true, reason: 'secret-rotated', by: rotator, response: 'Nothing: it owns the data.' };
  }
  return {
    expected: true,
    reason: writer.kind === 'admission' ? 'added-on-admission' : 'added-by-another',
    by,
    response: 'Nothing, if that writer is known here. Document it; Git does not own the field.',
  };
}
