import type { Claim } from '../boundary.ts';
import { shortDigest, shortReference } from '../names.ts';

/** Why an updater does not do by itself what its policy asks for. */
export interface UpdateStop {
  /** `held` and `suspended`: a person decided it. The others are in its way. */
  readonly kind: 'held' | 'suspended' | 'limited' | 'refused' | 'failed';
  /** One sentence that names who, the limit, or what the registry said. */
  readonly why: string;
  readonly hint?: string;
}

/** An image whose tag a policy governs, and what the policy would choose now. Plain data. */
export interface GovernedImage {
  /** In full, with the registry. */
  readonly repository: string;
  /** What people call the rule, and what configures it: `landfall.yaml`, an annotation, an ImagePolicy. */
  readonly rule: string;
  readonly configuredBy: string;
  /** As Git asks for it. */
  readonly current: readonly { readonly reference: string; readonly where: string }[];
  readonly chosen: {
    readonly tag: string;
    readonly digest: string | undefined;
    /** Why the policy takes it. */
    readonly why: string;
    /** When it came to be, as far as the registry or the image says it, ISO 8601. */
    readonly since: string | undefined;
  };
  /** Whether Git asks for something older than that. */
  readonly behind: boolean;
  readonly stop: UpdateStop | undefined;
  /** Ms between two looks of its updater. */
  readonly intervalMs: number;
}

/** What the boundary says of governed images: what Git asks for is older than what they would choose. */
export interface BehindPolicy {
  readonly state: 'proven' | 'moving' | 'broken';
  readonly reason: string;
  readonly headline: string;
  readonly detail: string;
  readonly where?: string;
  readonly hint?: string;
  readonly deadline?: string;
}

/** A look may come late by a third of its interval, and a commit takes its time. */
const LATE = 1 / 3;
const GRACE_MS = 60_000;

/**
 * Git asks for an older image than the policy would choose now: moving while the updater has time to act, then broken,
 * naming what is in its way. A person's hold is a decision and breaks nothing. Undefined where Git is not behind.
 */
export function behindPolicy(governed: readonly GovernedImage[], at: string): BehindPolicy | undefined {
  const behind = governed.filter((image) => image.behind);
  const decided = ({ stop }: GovernedImage) => stop?.kind === 'held' || stop?.kind === 'suspended';
  const image = behind.find((each) => !decided(each)) ?? behind[0];
  if (image === undefined) return undefined;
  const { chosen, current, stop, rule, configuredBy, intervalMs } = image;
  const [first] = current;
  const asks = first === undefined ? 'nothing' : shortReference(first.reference);
  const wants = `${chosen.tag}${chosen.digest === undefined ? '' : ` (${shortDigest(chosen.digest)})`}`;
  const base = {
    headline: asks,
    ...(first === undefined ? {} : { where: first.where }),
    ...(stop?.hint === undefined ? {} : { hint: stop.hint }),
  };
  if (stop !== undefined && decided(image)) {
    return {
      ...base,
      state: 'proven',
      reason: stop.kind === 'held' ? 'updates-held' : 'updates-suspended',
      detail: `${stop.why}; the policy of ${rule} would choose ${wants} now`,
    };
  }
  const now = Date.parse(at);
  const since = chosen.since === undefined ? now : Date.parse(chosen.since);
  const deadline = since + intervalMs * (1 + LATE) + GRACE_MS;
  const detail = `Git asks for ${asks}; the policy of ${rule} (${configuredBy}) chooses ${wants}, ${chosen.why}`;
  if (now < deadline) {
    return {
      ...base,
      state: 'moving',
      reason: 'behind-policy',
      detail: stop === undefined ? detail : `${detail}; ${stop.why}`,
      deadline: new Date(deadline).toISOString(),
    };
  }
  return {
    ...base,
    state: 'broken',
    reason: stop === undefined ? 'not-updated' : `update-${stop.kind}`,
    detail: `${detail}; ${stop?.why ?? `no updater has committed it within ${Math.round(intervalMs / 1000)} s`}`,
    hint: stop?.hint ?? 'See that landfall serve runs for this cluster, or do it now: landfall updates run.',
  };
}

/** What policies choose, as claims. */
export function policyClaims(governed: readonly GovernedImage[], at: string): readonly Claim[] {
  return governed.map(({ repository, chosen, rule }) => ({
    boundary: 'intent',
    subject: repository,
    attribute: `image chosen by the policy of ${rule}`,
    value: `${repository}:${chosen.tag}${chosen.digest === undefined ? '' : `@${chosen.digest}`}`,
    source: { type: 'registry', reference: `${repository}:${chosen.tag}` },
    at,
  }));
}
