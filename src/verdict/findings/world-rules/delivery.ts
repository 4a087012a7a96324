import { getArray, getString } from '../../../kernel/index.ts';
import { digestIn, repositoryOf, sameDigest, sameReference, shortOf, tagOf } from './digests.ts';
import { counted, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import { versionsTold } from './moved-tag.ts';
import type { View } from './view.ts';

const sameCommit = (a: string, b: string) =>
  a.length >= 6 && b.length >= 6 && (a.startsWith(b) || b.startsWith(a));

/** PIP-02, PIP-03: the image is there, and the commit that should ask for it is not. */
function lostBumps(view: View): Draft[] {
  const rejected = view.world.logs.find(({ message }) =>
    /! \[rejected\].*\((?:non-fast-forward|fetch first)\)|failed to push some refs|Updates were rejected because the (?:remote|tip)/.test(
      message,
    ),
  );
  const answered = view.world.answers.find(({ answer }) =>
    /! \[rejected\].*\((?:non-fast-forward|fetch first)\)|failed to push some refs/.test(answer),
  );
  const push =
    rejected === undefined
      ? answered === undefined
        ? undefined
        : { text: answered.answer, source: answered.source }
      : { text: rejected.message, source: rejected.source };
  const drafts: Draft[] = [];
  if (push !== undefined)
    drafts.push({
      failure: 'PIP-03',
      id: 'bump-lost-in-race',
      boundary: 'intent',
      title: 'the commit that should deploy the image was rejected: somebody had pushed before',
      confidence: 0.93,
      why: [`${quote(push.text)} The image is in the registry; Git does not ask for it.`],
      claims: [view.claim('intent', 'git push', 'answer', push.text, push.source)],
      misleading: [
        ['the pipeline is green', 'the step that pushes may fail softly'],
        ['Git shows a recent deploy commit', 'of another build'],
      ],
      now: ['Put the digest of the newest build on top of the head.', 'git pull --rebase && git push'],
      lasting: [
        'One deploy job at a time for each environment, rebase and retry, and no move to a build whose commit is older than what is there.',
      ],
      verify: ['git log -n 3 -p -- PATH'],
      can: 'commit',
    });
  for (const commit of view.world.commits) {
    for (const change of commit.changes) {
      const added = change.added.flatMap(
        (line) =>
          /(?:newTag|image|tag|digest):\s*["']?(?<value>[^\s"']+)/.exec(line)?.groups?.['value'] ?? [],
      );
      const removed = change.removed.flatMap(
        (line) =>
          /(?:newTag|image|tag|digest):\s*["']?(?<value>[^\s"']+)/.exec(line)?.groups?.['value'] ?? [],
      );
      const back = view.world.commits.find(
        (other) =>
          other !== commit &&
          other.changes.some(
            (one) =>
              one.file === change.file &&
              one.added.some((line) => removed.some((value) => line.includes(value))) &&
              one.removed.some((line) => added.some((value) => line.includes(value))),
          ),
      );
      const newer = back !== undefined && Date.parse(commit.time ?? '') > Date.parse(back.time ?? '');
      if (
        back === undefined ||
        !newer ||
        /revert|roll ?back/i.test(commit.subject ?? '') ||
        added.length === 0
      )
        continue;
      drafts.push({
        failure: 'PIP-03',
        id: 'bump-overwritten',
        boundary: 'intent',
        title: `${change.file} went from ${added[0] ?? ''} to ${removed[0] ?? ''} and back: an older build overwrote the newer one`,
        confidence: 0.82,
        why: [
          `Commit ${back.commit.slice(0, 8)} deployed it, ${commit.commit.slice(0, 8)} (${commit.subject ?? ''}) took it back without calling itself a rollback.`,
        ],
        claims: [
          view.claim('intent', change.file, 'commit', commit.commit, commit.source),
          view.claim('intent', change.file, 'commit', back.commit, back.source),
        ],
        misleading: [['both pipelines are green', 'the older one simply ended later']],
        now: ['Deploy the newest build again on top of the head.', `git log -p -- ${change.file}`],
        lasting: [
          'Refuse to move an environment to a build whose commit is an ancestor of the one that is there.',
        ],
        verify: [`git log -n 3 -p -- ${change.file}`],
        can: 'commit',
      });
    }
  }
  const skip = view.world.logs.find(({ message }) =>
    /\[skip ci\]|workflow .* (?:was not triggered|skipped)|nothing to commit, working tree clean|No changes to commit/i.test(
      message,
    ),
  );
  const build = view.world.builds
    .filter(({ state, digest }) => (state ?? 'succeeded') === 'succeeded' && digest !== undefined)
    .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0];
  if (build?.image !== undefined && tagOf(build.image) !== 'latest' && push === undefined) {
    const image = build.image;
    const asked = view.declared('Deployment', 'StatefulSet', 'DaemonSet').flatMap((thing) =>
      thing.list('spec', 'template', 'spec', 'containers').flatMap((container, index) => {
        const value = getString(container, 'image');
        return value !== undefined && repositoryOf(value) === repositoryOf(image)
          ? [{ thing, value, index }]
          : [];
      }),
    );
    const head = view.world.commits
      .map(({ time }) => time ?? '')
      .toSorted()
      .at(-1);
    const late =
      head !== undefined &&
      head !== '' &&
      build.time !== undefined &&
      Date.parse(head) < Date.parse(build.time);
    const other = asked.every(
      ({ value }) =>
        !sameReference(value, image) && sameDigest(digestIn(value) ?? '', build.digest ?? '') !== true,
    );
    const [first] = asked;
    if (first !== undefined && other && (late || skip !== undefined) && tagOf(first.value) !== 'latest')
      drafts.push({
        failure: 'PIP-02',
        id: 'bump-never-committed',
        boundary: 'intent',
        title: `${image} was pushed, and Git still asks for ${first.value}`,
        confidence: late ? 0.85 : 0.78,
        why: [
          `The push${build.time === undefined ? '' : ` of ${build.time}`} was the last thing that happened; no commit followed it${skip === undefined ? '' : `: ${quote(skip.message)}`}.`,
        ],
        claims: [
          view.claim('artifact', image, 'digest', build.digest ?? '', build.source),
          view.about(
            'intent',
            first.thing,
            'image',
            first.value,
            'spec',
            'template',
            'spec',
            'containers',
            first.index,
            'image',
          ),
        ],
        misleading: [
          ['CI is green and the image is in the registry', 'an image in a registry asks for nothing'],
        ],
        now: [
          'Commit the digest by hand, or run the bump again.',
          `kustomize edit set image ${repositoryOf(image)}=${image}${build.digest === undefined ? '' : `@${build.digest}`}`,
        ],
        lasting: [
          'Start the next workflow with a token that may (a push by the default token of CI starts none), and wait for the proof, not for the push.',
        ],
        verify: ['git log -n 3 -- PATH'],
        can: 'commit',
        space: first.thing.namespace,
      });
  }
  return drafts;
}

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
    sameCommit(first.value, build.commit)
  )
    return drafts;
  const { commit } = build;
  const running = view.pods.flatMap((pod) =>
    pod.containers.flatMap(({ imageID }) => digestIn(imageID) ?? []),
  );
  const same =
    build.digest !== undefined && running.some((digest) => sameDigest(digest, build.digest ?? '') === true);
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
    const child = children.find(({ digest }) => sameDigest(digest ?? '', item.digest) === true);
    if (child === undefined) continue;
    const parent = view.world.digests.find(
      (fact) =>
        fact !== child &&
        fact.digest !== undefined &&
        repositoryOf(fact.reference) === repositoryOf(child.reference) &&
        sameDigest(fact.digest, item.digest) === false &&
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

/** INT-01, INT-04: the engine tracks something else, or an automation chose another tag. */
function tracking(view: View): Draft[] {
  const drafts: Draft[] = [];
  for (const engine of view.world.engines) {
    const target = engine.targetRevision;
    if (target === undefined || target === 'HEAD') continue;
    const commit = view.world.commits.find(
      ({ refs }) =>
        refs.length > 0 &&
        !refs.some(
          (ref) =>
            ref === target || ref.endsWith(`/${target}`) || (/HEAD -> /.test(ref) && ref.endsWith(target)),
        ),
    );
    const others = commit?.refs.filter((ref) => !ref.startsWith('tag:')) ?? [];
    const tip = view.world.commits[0];
    if (
      commit === undefined ||
      commit !== tip ||
      others.length === 0 ||
      engine.revision === undefined ||
      sameCommit(engine.revision, commit.commit) ||
      view.world.commits.some(({ refs }) => refs.some((ref) => ref.endsWith(target)))
    )
      continue;
    drafts.push({
      failure: 'INT-01',
      id: 'commit-not-tracked',
      boundary: 'intent',
      title: `${engine.application} follows ${target}; the commit is on ${others[0] ?? 'another branch'}`,
      confidence: 0.75,
      why: [
        `${commit.commit.slice(0, 8)} (${commit.subject ?? ''}) is not part of what the engine reads, ${engine.revision.slice(0, 8)}.`,
      ],
      claims: [
        view.claim('intent', engine.application, 'targetRevision', target, engine.source),
        view.claim('intent', commit.commit, 'refs', commit.refs.join(', '), commit.source),
      ],
      misleading: [['the pull request is merged', 'into a branch that nobody delivers']],
      now: [
        'Merge or pick it to what is tracked, or change what is tracked.',
        `git merge-base --is-ancestor ${commit.commit} ${target}`,
      ],
      lasting: ['Prove landings by commit, for every environment.'],
      verify: [`git merge-base --is-ancestor ${commit.commit} origin/${target}`],
      can: 'commit',
    });
  }
  for (const { message, source } of view.world.logs) {
    const text = message;
    if (
      !/images_updated=0|no (?:eligible|matching) (?:tags?|versions?)|pending spec update|version list for provided filter tags is empty|unable to determine latest (?:tag|version)/i.test(
        text,
      )
    )
      continue;
    drafts.push(
      automation(
        'the image automation does not choose the new tag',
        text,
        [view.claim('intent', 'image automation', 'log', text, source)],
        undefined,
      ),
    );
    break;
  }
  for (const policy of view.kind('ImagePolicy')) {
    const failed = policy
      .list('status', 'conditions')
      .find((item) => getString(item, 'type') === 'Ready' && getString(item, 'status') === 'False');
    const chosen =
      policy.text('status', 'latestImage') ?? getString(policy.get('status', 'latestRef'), 'tag');
    const newest = view.world.builds
      .filter(
        ({ image }) =>
          image !== undefined && chosen !== undefined && repositoryOf(image) === repositoryOf(chosen),
      )
      .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0];
    const alphabetical = policy.map('spec', 'policy', 'alphabetical') !== undefined;
    if (failed !== undefined)
      drafts.push(
        automation(
          `${policy.id} chooses no tag`,
          getString(failed, 'message') ?? '',
          [view.about('intent', policy, 'Ready', getString(failed, 'message') ?? '', 'status', 'conditions')],
          policy.namespace,
        ),
      );
    else if (newest?.image !== undefined && chosen !== undefined && !sameReference(chosen, newest.image))
      drafts.push(
        automation(
          `${policy.id} chooses ${chosen}; the newest build is ${newest.image}`,
          alphabetical
            ? 'It orders tags as texts, so 1.10 comes before 1.9.'
            : 'Filter or order of the policy do not choose it.',
          [
            view.about('intent', policy, 'latestImage', chosen, 'status', 'latestImage'),
            view.claim('artifact', newest.image, 'image', newest.image, newest.source),
          ],
          policy.namespace,
        ),
      );
  }
  return drafts;
}

function automation(title: string, why: string, claims: Draft['claims'], space: string | undefined): Draft {
  return {
    failure: 'INT-04',
    id: 'automation-chooses-other-tag',
    boundary: 'intent',
    title,
    confidence: 0.85,
    why: [quote(why)],
    claims,
    misleading: [['the automation is Ready and has no errors', 'it did what its filter and order say']],
    now: ['Pin the build explicitly, and mend filter and order.', 'kubectl get imagepolicies -A'],
    lasting: [
      'Order by a number or time in the tag, write the digest back, and an alert when the newest build is not chosen.',
    ],
    verify: ['kubectl get imagepolicies -A'],
    can: 'commit',
    space,
  };
}

/** TRA-13: the same application on several targets, with different revisions. */
function fleet(view: View): Draft[] {
  const groups = new Map<string, Set<string>>();
  const sources = view.world.engines.filter(
    ({ destination, revision, path }) =>
      destination !== undefined && revision !== undefined && path !== undefined,
  );
  for (const engine of sources) {
    const key = `${engine.repository ?? ''}|${engine.path ?? ''}`;
    groups.set(key, (groups.get(key) ?? new Set()).add(engine.revision ?? ''));
  }
  return [...groups].flatMap(([key, revisions]): Draft[] => {
    const members = sources.filter((engine) => `${engine.repository ?? ''}|${engine.path ?? ''}` === key);
    if (revisions.size < 2 || new Set(members.map(({ destination }) => destination)).size < 2) return [];
    return [
      {
        failure: 'TRA-13',
        id: 'fleet-mixed',
        boundary: 'sync',
        title: `only a part of the fleet has it: ${members
          .map(({ application, revision }) => `${application} ${(revision ?? '').slice(0, 8)}`)
          .slice(0, 4)
          .join(', ')}`,
        confidence: 0.75,
        why: [
          'The same path of the same repository is delivered to several clusters, at different revisions.',
        ],
        claims: members.map((engine) =>
          view.claim('sync', engine.application, 'revision', engine.revision ?? '', engine.source),
        ),
        misleading: [['the cluster that you look at is green', 'the release has landed when all have']],
        now: [
          'Sync those that lag.',
          ...members.slice(0, 3).map(({ application }) => `argocd app sync ${application}`),
        ],
        lasting: ['The verdict of a fleet is that of all its targets; and an upper age for connections.'],
        verify: ['kubectl get applications -A'],
        can: 'sync',
      },
    ];
  });
}

/** INT-02, REN-01: what was edited cannot have an effect. */
function noEffect(view: View): Draft[] {
  return view.world.files.flatMap((file): Draft[] => {
    if (file.kind !== 'kustomization') return [];
    const used = [...view.desired, ...view.live].flatMap((thing) =>
      [
        ...thing.list('spec', 'template', 'spec', 'containers'),
        ...thing.list('spec', 'template', 'spec', 'initContainers'),
      ].flatMap((container) => getString(container, 'image') ?? []),
    );
    if (used.length === 0) return [];
    return getArray(file.value, 'images').flatMap((item, index): Draft[] => {
      const name = getString(item, 'name');
      const target = getString(item, 'newName') ?? name;
      const plain = (image: string) => image.split('@')[0]?.replace(/:[^/:]*$/, '') ?? image;
      if (
        name === undefined ||
        target === undefined ||
        used.some((image) => plain(image) === name || plain(image) === target)
      )
        return [];
      const short = name.split('/').at(-1) ?? name;
      const near =
        used.find((image) => plain(image).split('/').at(-1) === short) ??
        used.find((image) => /controller|placeholder|app/.test(plain(image)));
      if (near === undefined) return [];
      return [
        {
          failure: 'REN-01',
          id: 'image-entry-matches-nothing',
          boundary: 'render',
          title: `the images entry ${name} matches no container: the manifests say ${plain(near)}`,
          confidence: 0.9,
          why: [
            'Kustomize compares the name with the image as the base writes it, registry included. An entry that matches nothing changes nothing, without an error.',
          ],
          claims: [
            view.claim('render', file.path, 'images.name', name, file.cite(['images', index, 'name'])),
            view.claim('render', 'containers', 'image', near, file.source),
          ],
          misleading: [
            ['kustomize build exits 0, edit set image succeeds', 'neither checks that a name is used'],
          ],
          now: [
            `Write the name as the base has it: ${plain(near)}.`,
            `kustomize edit set image ${plain(near)}=${target}:TAG`,
          ],
          lasting: [
            'Treat an entry without effect as an error (landfall check), and compare the rendered image with the intended one.',
          ],
          verify: ['landfall render DIR | grep image:'],
          can: 'commit',
        },
      ];
    });
  });
}

/** INT-02: a commit changes an image in the base, and the overlay of this environment sets it again. */
function overridden(view: View): Draft[] {
  const images = view.declared('Deployment', 'StatefulSet', 'DaemonSet').flatMap((thing) =>
    thing.list('spec', 'template', 'spec', 'containers').flatMap((container, index) => {
      const image = getString(container, 'image');
      return image === undefined ? [] : [{ thing, image, index }];
    }),
  );
  return view.world.commits.flatMap((commit) =>
    commit.changes.flatMap(({ file, added }): Draft[] =>
      added.flatMap((line): Draft[] => {
        const edited = /^\s*-?\s*image:\s*["']?(?<image>[^\s"']+)/.exec(line)?.groups?.['image'];
        if (edited === undefined) return [];
        const other = images.find(
          ({ image }) => repositoryOf(image) === repositoryOf(edited) && image !== edited,
        );
        const winner = view.world.files.find(
          ({ kind, value, path }) =>
            kind === 'kustomization' &&
            path !== file &&
            getArray(value, 'images').some((item) => {
              const name = getString(item, 'newName') ?? getString(item, 'name');
              return name !== undefined && repositoryOf(name) === repositoryOf(edited);
            }),
        );
        if (other === undefined || winner === undefined) return [];
        return [
          {
            failure: 'INT-02',
            id: 'edit-overridden',
            boundary: 'intent',
            title: `${file} now says ${edited}, and ${winner.path} sets it to ${other.image} again`,
            confidence: 0.88,
            why: [
              `Commit ${commit.commit.slice(0, 8)} changed the base. The images entry of the overlay is applied after it and wins, so the manifests of this environment are the same before and after.`,
            ],
            claims: [
              view.claim('intent', file, 'image', edited, commit.source),
              view.claim('intent', winner.path, 'images', other.image, winner.source),
            ],
            misleading: [
              ['the commit shows the right value', 'of a layer that does not decide'],
              ['the sync succeeds', 'with nothing to change'],
            ],
            now: [
              'Change the layer that wins.',
              `landfall render ${winner.path.replace(/\/[^/]*$/, '')} --why ${other.thing.ref}:spec.template.spec.containers`,
            ],
            lasting: [
              'Show the rendered difference of every environment at a pull request, and refuse a deploy that has none.',
            ],
            verify: [`landfall render ${winner.path.replace(/\/[^/]*$/, '')} --diff HEAD~1`],
            can: 'commit',
            space: other.thing.namespace,
          },
        ];
      }),
    ),
  );
}

/** PIP-02, PIP-03, PIP-10, PIP-12, HEA-01, INT-01, INT-02, INT-04, REN-01, TRA-13: from the build to Git. */
export const deliveryRule: WorldRule = (view) => [
  ...lostBumps(view),
  ...overridden(view),
  ...wrongCode(view),
  ...falseMismatch(view),
  ...tracking(view),
  ...fleet(view),
  ...noEffect(view),
];
