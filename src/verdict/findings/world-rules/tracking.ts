import { getString } from '../../../kernel/index.ts';
import { sameCommit } from '../../world/index.ts';
import { repositoryOf, sameReference } from './digests.ts';
import { groupBy, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

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
      sameCommit(engine.revision, commit.commit) === 'same'
    )
      continue;
    const tracked = view.world.commits.find(({ refs }) => refs.some((ref) => ref.endsWith(target)));
    if (tracked !== undefined && sameCommit(tracked.commit, engine.revision) !== 'same') continue;
    drafts.push({
      failure: 'INT-01',
      id: 'commit-not-tracked',
      boundary: 'intent',
      title: `${engine.application} follows ${target}; the commit is on ${others[0] ?? 'another branch'}`,
      // An environment that follows a branch of its own may be behind on purpose.
      confidence: tracked === undefined ? 0.75 : 0.44,
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

/** TRA-13: the same, where a list shows the state of each and no revision. */
function fleetByState(view: View): Draft[] {
  const groups = groupBy(view.world.engines, ({ repository, path, revision }) =>
    repository === undefined || path === undefined || revision !== undefined
      ? undefined
      : `${repository}|${path}`,
  );
  return [...groups.values()].flatMap((members): Draft[] => {
    const behind = members.filter(({ sync }) => sync !== undefined && sync !== 'Synced');
    const [first] = behind;
    if (first === undefined || behind.length === members.length) return [];
    return [
      {
        failure: 'TRA-13',
        id: 'fleet-mixed',
        boundary: 'sync',
        title: `only a part of the fleet has it: ${behind
          .map(({ application, sync }) => `${application} is ${sync ?? ''}`)
          .slice(0, 4)
          .join(', ')}`,
        confidence: 0.6,
        why: [
          'The same path of the same repository is delivered to several targets, and not all are in sync.',
        ],
        claims: members
          .slice(0, 20)
          .map((engine) => view.claim('sync', engine.application, 'sync', engine.sync ?? '', engine.source)),
        misleading: [['the target that you look at is green', 'the release has landed when all have']],
        now: ['See what holds back those that lag.', `argocd app get ${first.application} --show-operation`],
        lasting: ['The verdict of a fleet is that of all its targets.'],
        verify: ['argocd app list'],
        can: 'sync',
        symptom: true,
      },
    ];
  });
}

/** INT-01, INT-04, TRA-13: what engines follow and automations choose. */
export const trackingRule: WorldRule = (view) => [...tracking(view), ...fleet(view), ...fleetByState(view)];
