import { getArray, getString } from '../../../kernel/index.ts';
import { sameDigest } from '../../world/index.ts';
import { digestIn, repositoryOf, sameReference, tagOf } from './digests.ts';
import { quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

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
        !sameReference(value, image) && sameDigest(digestIn(value) ?? '', build.digest ?? '') !== 'same',
    );
    const [first] = asked;
    const tag = tagOf(image) ?? '';
    const logged = view.world.commits.length > 0;
    const named = view.world.commits.some(
      ({ subject, changes }) =>
        (tag !== '' && subject?.includes(tag) === true) ||
        changes.some(({ added }) => added.some((line) => tag !== '' && line.includes(tag))),
    );
    if (first !== undefined && other && !named && tagOf(first.value) !== 'latest')
      drafts.push({
        failure: 'PIP-02',
        id: 'bump-never-committed',
        boundary: 'intent',
        title: `${image} was pushed, and Git still asks for ${first.value}`,
        // An environment may be behind on purpose; a commit that CI meant to make and did not is sure.
        confidence: skip !== undefined ? 0.88 : late ? 0.72 : logged ? 0.6 : 0.44,
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

/** PIP-02, PIP-03, INT-02, REN-01: commits that are missing or have no effect. */
export const bumpsRule: WorldRule = (view) => [...lostBumps(view), ...overridden(view), ...noEffect(view)];
