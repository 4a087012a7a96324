import { fullRepository } from '../../boundaries/index.ts';
import type { RenderedSet } from '../../boundaries/index.ts';
import { asLandfallError, getArray, getString, LandfallError } from '../../kernel/index.ts';
import type { Delivery, Ledger } from '../../ledger/index.ts';
import { parseReference } from '../../oci/index.ts';
import type { RegistryClient } from '../../oci/index.ts';
import {
  detailOf,
  rendererOf,
  sameRelease,
  slotName,
  slotsOf,
  subjectOfApplication,
} from '../promotion/index.ts';
import type { FoundRelease, ReleaseImage, SurveyedApplication } from '../promotion/index.ts';

/** What one goes back to, and how it is known. */
export interface WayBack {
  readonly release: FoundRelease;
  /** Undefined: no delivery is known; Git's history was read. */
  readonly delivery: Delivery | undefined;
  /** Why nobody knows that it landed; undefined where it did. */
  readonly neverLanded: string | undefined;
  /** A tag names other bytes now than when that landed: the commit alone would not bring them back. */
  readonly moved: readonly string[];
  /** References that no digest is known of: the registry has none, or does not answer. */
  readonly gone: readonly string[];
  readonly unread: readonly string[];
}

export interface WayBackQuestion {
  readonly target: SurveyedApplication;
  /** What Git asks for now. */
  readonly current: FoundRelease;
  /** Where the images of the release come from. */
  readonly repositories: readonly string[];
  /** Tip of the tracked branch. */
  readonly tip: string;
  readonly branch: string;
  /** A delivery or a revision; undefined: the last that landed before. */
  readonly to: string | undefined;
  readonly ledger: Ledger;
  readonly registry: RegistryClient;
  readonly signal: AbortSignal;
}

const DELIVERIES = 200;
const COMMITS = 30;

/** Digests that a proof found by reference, in its claims. */
function claimedDigests(delivery: Delivery | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const report of getArray(delivery?.proof, 'boundaries'))
    for (const claim of getArray(report, 'claims')) {
      const [subject, value] = [getString(claim, 'subject'), getString(claim, 'value')];
      if (getString(claim, 'attribute') === 'digest' && subject !== undefined && value !== undefined)
        found.set(subject, value);
    }
  return found;
}

interface Resolved {
  readonly digest: string | undefined;
  readonly gone: boolean;
  readonly why: string;
}

async function resolved({ registry, signal }: WayBackQuestion, reference: string): Promise<Resolved> {
  try {
    return { digest: (await registry.resolve(reference, signal)).digest, gone: false, why: '' };
  } catch (thrown) {
    signal.throwIfAborted();
    const { kind, message } = asLandfallError(thrown);
    return { digest: undefined, gone: kind === 'not-found', why: message };
  }
}

/** What a rendered set runs of the images that the release of now is made of. */
async function releaseAt(
  question: WayBackQuestion,
  revision: string,
  set: RenderedSet,
  delivery: Delivery | undefined,
): Promise<Pick<WayBack, 'release' | 'moved' | 'gone' | 'unread'>> {
  const { repositories } = question;
  const claimed = claimedDigests(delivery);
  const images = new Map<string, ReleaseImage>();
  const moved: string[] = [];
  const gone: string[] = [];
  const unread: string[] = [];
  const slots = slotsOf(set).filter(({ reference }) => repositories.includes(fullRepository(reference)));
  for (const slot of slots) {
    const { reference } = slot;
    const repository = fullRepository(reference);
    const known = images.get(repository);
    if (known !== undefined) {
      images.set(repository, { ...known, uses: [...known.uses, slotName(slot)] });
      continue;
    }
    const { tag, digest: pinned } = parseReference(reference);
    // What landed decides; what the tag names now may be something else.
    const then = pinned ?? claimed.get(reference) ?? (slots.length === 1 ? delivery?.digest : undefined);
    const answer = pinned === undefined ? await resolved(question, reference) : undefined;
    const now = pinned ?? answer?.digest;
    const digest = then ?? now;
    if (digest === undefined) {
      (answer?.gone === true ? gone : unread).push(`${reference}: ${answer?.why ?? ''}`);
      continue;
    }
    if (now !== undefined && now !== digest) moved.push(`${reference} names ${now} now, and was ${digest}`);
    images.set(repository, { repository, tag, digest, uses: [slotName(slot)] });
  }
  const found = [...images.values()];
  const [first] = found;
  const release: FoundRelease = {
    revision,
    version: getString(delivery?.proof, 'release', 'version'),
    commit: getString(delivery?.proof, 'release', 'commit'),
    digest: delivery?.digest ?? first?.digest,
    tag: found.find(({ digest }) => digest === delivery?.digest)?.tag ?? first?.tag,
    images: found,
  };
  return { release, moved, gone, unread };
}

async function renderAt(question: WayBackQuestion, commit: string): Promise<RenderedSet> {
  const { target, branch, signal } = question;
  const { sources } = target.place;
  const render = rendererOf({ sources, spec: target.spec, branch, parent: commit, signal });
  return render(sources.git.open(target.spec.repository).tree(commit), commit);
}

async function wayTo(
  question: WayBackQuestion,
  revision: string,
  delivery: Delivery | undefined,
): Promise<WayBack> {
  const set = await renderAt(question, revision);
  const found = await releaseAt(question, revision, set, delivery);
  const neverLanded =
    delivery === undefined
      ? `${revision.slice(0, 8)}: the ledger holds no delivery of it`
      : delivery.state === 'landed'
        ? undefined
        : `${delivery.id}: ${delivery.state}${delivery.message === '' ? '' : `, ${delivery.message}`}`;
  return { ...found, delivery, neverLanded };
}

/** Digests that somebody went back from: nobody wants them by default. */
async function abandoned({ ledger, target }: WayBackQuestion): Promise<ReadonlySet<string>> {
  const changes = await ledger.changes.list(subjectOfApplication(target), DELIVERIES);
  return new Set(
    changes
      .filter(({ kind, state }) => kind === 'rollback' && state !== 'refused' && state !== 'cancelled')
      .flatMap((change) => detailOf(change).replaced?.images ?? [])
      .map(({ digest }) => digest),
  );
}

async function named(question: WayBackQuestion, to: string): Promise<WayBack> {
  const { ledger, target, signal } = question;
  const subject = subjectOfApplication(target);
  const deliveries = await ledger.deliveries.list(subject, DELIVERIES);
  const byId = deliveries.filter(({ id }) => id.startsWith(to));
  const [delivery, another] = byId;
  if (delivery !== undefined && another === undefined) return wayTo(question, delivery.revision, delivery);
  const mirror = target.place.sources.git.open(target.spec.repository);
  const { commit } = await mirror.resolve(to, signal);
  const best =
    deliveries.find(({ revision, state }) => revision === commit && state === 'landed') ??
    deliveries.find(({ revision }) => revision === commit);
  return wayTo(question, commit, best);
}

async function fromLedger(question: WayBackQuestion): Promise<WayBack | undefined> {
  const { ledger, target, current } = question;
  const deliveries = await ledger.deliveries.list(subjectOfApplication(target), DELIVERIES);
  const never = await abandoned(question);
  for (const delivery of deliveries) {
    if (delivery.state !== 'landed' || delivery.digest === undefined) continue;
    if (delivery.digest === current.digest || never.has(delivery.digest)) continue;
    try {
      const way = await wayTo(question, delivery.revision, delivery);
      if (way.release.images.length > 0 && !sameRelease(way.release, current)) return way;
    } catch (thrown) {
      question.signal.throwIfAborted();
      // A commit that is gone from Git, or that does not render any more: the one before it may be there.
      if (!['not-found', 'invalid-input', 'unavailable'].includes(asLandfallError(thrown).kind)) throw thrown;
    }
  }
  return undefined;
}

async function fromGit(question: WayBackQuestion): Promise<WayBack | undefined> {
  const { target, current, tip, signal } = question;
  const { spec, place } = target;
  const mirror = place.sources.git.open(spec.repository);
  const never = await abandoned(question);
  const log = await mirror.log(
    { from: tip, ...(spec.path === '.' ? {} : { path: spec.path }), limit: COMMITS },
    signal,
  );
  for (const { commit } of log.slice(1)) {
    const set = await renderAt(question, commit).catch((thrown: unknown) => {
      signal.throwIfAborted();
      if (asLandfallError(thrown).kind === 'bug') throw thrown;
      return undefined;
    });
    if (set === undefined || set.failure !== undefined) continue;
    const found = await releaseAt(question, commit, set, undefined);
    const { release } = found;
    const left = release.images.some(({ digest }) => never.has(digest));
    if (release.images.length === 0 || left || sameRelease(release, current)) continue;
    return {
      ...found,
      delivery: undefined,
      neverLanded: `${commit.slice(0, 8)}: found in Git; the ledger holds no delivery of it`,
    };
  }
  return undefined;
}

/** What an application goes back to. Throws `not-found` where nothing else has ever been asked for. */
export async function findWayBack(question: WayBackQuestion): Promise<WayBack> {
  const { target, to } = question;
  const way =
    to === undefined
      ? ((await fromLedger(question)) ?? (await fromGit(question)))
      : await named(question, to);
  if (way !== undefined) return way;
  const left = await leftBehind(question);
  throw new LandfallError(
    left === undefined
      ? `Neither the ledger nor the last ${COMMITS} commits of ${target.spec.path} know another release of ${target.spec.name}.`
      : `${target.spec.name} was rolled back from what landed before, and nothing else is known to go back to.`,
    {
      kind: 'not-found',
      code: 'rollback-nothing-before',
      object: target.spec.name,
      hint:
        left === undefined
          ? `Name one: landfall rollback ${target.spec.name} --to REVISION`
          : `To undo that rollback: landfall rollback ${target.spec.name} --to ${left.revision.slice(0, 8)}`,
    },
  );
}

/** What landed last of the releases that somebody went back from. */
async function leftBehind(question: WayBackQuestion): Promise<Delivery | undefined> {
  const { ledger, target, current } = question;
  const never = await abandoned(question);
  const deliveries = await ledger.deliveries.list(subjectOfApplication(target), DELIVERIES);
  return deliveries.find(
    ({ state, digest }) =>
      state === 'landed' && digest !== undefined && digest !== current.digest && never.has(digest),
  );
}
