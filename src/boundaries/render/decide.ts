import type { ImageFacts } from '../artifact/index.ts';
import { leadingImage } from '../artifact/index.ts';
import type { BoundaryReport, Claim, ClaimSource } from '../boundary.ts';
import { shortDigest, shortReference } from '../names.ts';
import type { Reading } from '../reading.ts';
import type { TrackedRevision } from '../intent/index.ts';
import { objectName } from '../../kube/index.ts';
import { templateContainers } from '../workload.ts';
import { whereSet } from '../rendered.ts';
import type { RenderedSet } from './rendered-set.ts';

/** The last part of a repository: what people mean when they mistype the rest. */
function lastPart(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1);
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/**
 * Boundary 3: do the manifests made from the tracked revision say what Git asks for? Broken with file, line and
 * column when they cannot be made, when they are empty, and when an `images` entry that means one of the images
 * changes none. Nothing rendered is never proof.
 */
export function decideRender(
  set: Reading<RenderedSet>,
  tracked: Reading<TrackedRevision>,
  images: readonly ImageFacts[],
  at: string,
): BoundaryReport {
  const boundary = 'render' as const;
  if (set.state !== 'read') {
    return {
      boundary,
      state: 'unknown',
      reason: set.state === 'unreadable' ? set.code : 'not-rendered',
      headline: 'not rendered',
      detail: set.why,
      ...(set.hint === undefined ? {} : { hint: set.hint }),
      claims: [],
    };
  }
  const { failure, objects, findings, sourceType } = set.value;
  if (failure !== undefined) {
    return {
      boundary,
      state: 'broken',
      reason: failure.code,
      headline: 'does not render',
      detail: failure.message,
      ...(failure.where === undefined ? {} : { where: failure.where }),
      claims: [],
    };
  }
  const path = tracked.state === 'read' ? tracked.value.path : '';
  const commit = tracked.state === 'read' ? tracked.value.commit : undefined;
  if (objects.length === 0) {
    return {
      boundary,
      state: 'broken',
      reason: 'empty-render',
      headline: 'no object',
      detail: `${path === '' ? 'the source' : path} renders to nothing; an empty set is never taken for a delivery`,
      ...(path === '' ? {} : { where: path }),
      claims: [],
    };
  }
  const fallback = tracked.state === 'read' ? tracked.value.source : undefined;
  const claims = claimsOf(set.value, commit, fallback, at);
  const leading = leadingImage(images);
  const headline =
    leading === undefined ? plural(objects.length, 'object') : shortReference(leading.reference);
  const without = findings.find(
    ({ kind, value }) =>
      kind === 'no-match' &&
      typeof value === 'string' &&
      images.some((image) => lastPart(image.repository) === lastPart(value)),
  );
  if (without !== undefined) {
    return {
      boundary,
      state: 'broken',
      reason: 'image-entry-without-effect',
      headline,
      detail: without.message,
      ...(without.line === 0 ? {} : { where: `${without.file}:${without.line}` }),
      claims,
    };
  }
  const nameless = images.find(
    ({ answer }) => answer.state === 'unreadable' && answer.code.startsWith('reference-'),
  );
  if (nameless?.answer.state === 'unreadable') {
    const { origin: from, reference, uses, answer } = nameless;
    return {
      boundary,
      state: 'broken',
      reason: 'image-invalid',
      headline: reference === '' ? 'no image' : reference.slice(0, 80),
      detail: `${uses[0] === undefined ? '' : `${uses[0].object} ${uses[0].container}: `}${answer.why}`,
      ...(from === undefined ? {} : { where: `${from.file}:${from.line}` }),
      ...(answer.hint === undefined ? {} : { hint: answer.hint }),
      claims,
    };
  }
  const origin = leading?.origin;
  return {
    boundary,
    state: 'proven',
    reason: 'rendered',
    headline,
    detail: `${plural(objects.length, 'object')} by ${sourceType}${commit === undefined ? '' : ` from ${shortDigest(commit)}`}`,
    ...(origin === undefined ? {} : { where: `${origin.file}:${origin.line}` }),
    claims,
  };
}

function claimsOf(
  set: RenderedSet,
  commit: string | undefined,
  fallback: ClaimSource | undefined,
  at: string,
): Claim[] {
  const boundary = 'render' as const;
  const of = commit === undefined ? {} : { commit };
  const claims: Claim[] = [];
  for (const facts of set.objects) {
    for (const container of templateContainers(facts.object)) {
      const where = whereSet(facts, container.imagePath);
      const colon = where?.lastIndexOf(':') ?? -1;
      // Templates of charts have no lines: what is known of them is which chart they are of.
      const source: ClaimSource | undefined =
        where === undefined
          ? fallback
          : { type: 'file', file: where.slice(0, colon), line: Number(where.slice(colon + 1)), ...of };
      if (source === undefined) continue;
      claims.push({
        boundary,
        subject: `${objectName(facts.object)}/${container.name}`,
        attribute: 'image',
        value: container.image,
        source,
        at,
      });
    }
  }
  for (const finding of set.findings) {
    claims.push({
      boundary,
      subject: finding.object ?? finding.file,
      attribute: `finding.${finding.kind}`,
      value: finding.message,
      source: {
        type: 'file',
        file: finding.file,
        ...(finding.line === 0 ? {} : { line: finding.line }),
        ...of,
      },
      at,
    });
  }
  return claims;
}
