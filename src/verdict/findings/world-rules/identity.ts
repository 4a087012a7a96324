import { getString } from '../../../kernel/index.ts';
import { sameCommit, sameDigest } from '../../world/index.ts';
import { digestIn, repositoryOf, shortOf, tagOf, sameReference } from './digests.ts';
import { versionsTold } from './moved-tag.ts';
import { counted } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

/** PIP-10, HEA-01: what runs says that it is another commit than was built or asked for. */
function wrongCode(view: View): Draft[] {
  const told = versionsTold(view).filter(({ attribute }) => attribute === 'commit');
  const build = view.world.builds
    .filter(({ commit, state }) => commit !== undefined && (state ?? 'succeeded') === 'succeeded')
    .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0];
  const mixed = [...new Set(told.map(({ value }) => value))];
  const drafts: Draft[] = [];
  if (mixed.length > 1)
    drafts.push({
      failure: 'HEA-01',
      id: 'versions-mixed',
      boundary: 'traffic',
      title: `what answers is of ${counted(mixed.length, 'commit')}: ${mixed.join(', ')}`,
      confidence: 0.8,
      why: ['Endpoints of one application tell different builds of themselves.'],
      claims: told,
      misleading: [['the one pod that was asked is new', 'others are not']],
      now: ['Ask every endpoint, and see which pods are old.', 'kubectl get pods -o wide'],
      lasting: ['Build information of every ready endpoint is part of the proof.'],
      verify: ['landfall trace APP version'],
      can: 'rollback',
      symptom: true,
    });
  const [first] = told;
  if (
    build?.commit === undefined ||
    first === undefined ||
    mixed.length > 1 ||
    sameCommit(first.value, build.commit) === 'same'
  )
    return drafts;
  // Another environment may be meant to run another build: only the very reference that was pushed counts.
  const { image } = build;
  const used = view
    .kind('Deployment', 'StatefulSet', 'DaemonSet')
    .flatMap((thing) => thing.list('spec', 'template', 'spec', 'containers'))
    .some((container) => image !== undefined && sameReference(getString(container, 'image') ?? '', image));
  if (!used) return drafts;
  const { commit } = build;
  const running = view.pods.flatMap((pod) =>
    pod.containers.flatMap(({ imageID }) => digestIn(imageID) ?? []),
  );
  const same =
    build.digest !== undefined && running.some((digest) => sameDigest(digest, build.digest ?? '') === 'same');
  drafts.push({
    failure: same ? 'PIP-10' : 'HEA-01',
    id: same ? 'wrong-code-in-image' : 'version-not-intended',
    boundary: same ? 'artifact' : 'traffic',
    title: same
      ? `the image that CI pushed for ${commit} holds ${first.value}`
      : `what answers is ${first.value}, not ${commit}`,
    confidence: same ? 0.93 : 0.7,
    why: [
      same
        ? `The digest that runs, ${shortOf(build.digest ?? '')}, is the one that was pushed; the process in it says it is another commit. CI built something else: another checkout, or a cache.`
        : 'The process says of itself that it is another build.',
    ],
    claims: [view.claim('artifact', build.image ?? 'build', 'commit', commit, build.source), first],
    misleading: [
      [
        'every digest agrees, and the tag has the new version',
        'names and digests say nothing of the code in it',
      ],
    ],
    now: [
      same
        ? 'Build again from the intended commit without a cache, and deploy the new digest.'
        : 'See which digest runs, then follow it back.',
      `crane config ${build.image ?? 'IMAGE'} | jq '.config.Labels["org.opencontainers.image.revision"]'`,
    ],
    lasting: [
      'Stamp the commit into the image, fail the build when the checkout is another one, and compare what the running process says.',
    ],
    verify: ['landfall trace APP version'],
    ...(same ? {} : { symptom: true }),
  });
  return drafts;
}

/** PIP-12: two digests that differ and are the same image: an index and its platform manifest. */
function falseMismatch(view: View): Draft[] {
  const children = view.world.digests.filter(
    ({ platforms, digest, reference }) =>
      digest !== undefined && (platforms.length > 0 || /index|manifest list/i.test(reference)),
  );
  const running = view.pods.flatMap((pod) =>
    pod.containers.flatMap((container) =>
      digestIn(container.imageID) === undefined
        ? []
        : [{ pod, container, digest: digestIn(container.imageID) ?? '' }],
    ),
  );
  for (const item of running) {
    const child = children.find(({ digest }) => sameDigest(digest ?? '', item.digest) === 'same');
    if (child === undefined) continue;
    const parent = view.world.digests.find(
      (fact) =>
        fact !== child &&
        fact.digest !== undefined &&
        repositoryOf(fact.reference) === repositoryOf(child.reference) &&
        sameDigest(fact.digest, item.digest) === 'different' &&
        tagOf(fact.reference) === tagOf(child.reference),
    );
    if (parent?.digest === undefined) continue;
    return [
      {
        failure: 'PIP-12',
        id: 'digest-of-index',
        boundary: 'artifact',
        kind: 'risk',
        title: `${shortOf(item.digest)} and ${shortOf(parent.digest)} are one image: a platform manifest and its index`,
        confidence: 0.85,
        why: [
          'A node may report the digest of the index that was asked for or of the manifest of its platform. Compared as texts they differ.',
        ],
        claims: [
          view.claim('artifact', parent.reference, 'digest', parent.digest, parent.source),
          view.claim(
            'rollout',
            item.pod.thing.id,
            'imageID',
            item.digest,
            item.pod.thing.cite(...item.container.statusPath, 'imageID'),
          ),
        ],
        misleading: [['the digests differ, so the image is old', 'it is the right one under its other name']],
        now: [
          'Nothing has to be mended but the comparison.',
          `crane manifest ${parent.reference} | jq '.manifests[].digest'`,
        ],
        lasting: ['Record index, platform and config digests at the push, and compare them as a set.'],
        verify: [`crane manifest ${parent.reference}`],
      },
    ];
  }
  return [];
}

/** PIP-10, PIP-12, HEA-01: which code it is that runs. */
export const identityRule: WorldRule = (view) => [...wrongCode(view), ...falseMismatch(view)];
