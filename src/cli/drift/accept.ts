import type { Drift, RenderedFacts } from '../../boundaries/index.ts';
import { treeWith } from '../../git/index.ts';
import type { FileTexts, FileTree, GitMirror } from '../../git/index.ts';
import { getIn, jsonEqual, LandfallError } from '../../kernel/index.ts';
import { changeField, reachOfFiles } from '../../pipeline/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { findApplication, fromGit, qualifiedName, renderSources } from '../../verdict/index.ts';
import type { ApplicationSpec } from '../../verdict/index.ts';
import { lookNow } from './application.ts';
import { authorOf } from './author.ts';
import { liveObject, problemOf, shownValue, untilAgreed } from './settle.ts';
import type { Settled, SettledChange, Settling } from './settle.ts';

function refuse(drift: Drift, why: string, hint: string): LandfallError {
  return new LandfallError(
    `${drift.object}${drift.field === '' ? '' : ` ${drift.field}`} cannot be accepted into Git: ${why}.`,
    {
      kind: 'invalid-input',
      code: 'drift-not-acceptable',
      object: drift.object,
      hint,
    },
  );
}

function checkAcceptable(drift: Drift): void {
  if (drift.kind === 'absent')
    throw refuse(drift, 'it is not in the cluster', 'Take it out of Git by hand, or revert.');
  if (drift.kind === 'left-over')
    throw refuse(drift, 'Git asks for it no more', 'Bring its manifest back with git revert, or revert.');
  if (drift.object.startsWith('Secret/'))
    throw refuse(
      drift,
      'the values of Secrets are not written to Git',
      'Use the system that your team keeps secrets in.',
    );
}

interface Planned {
  readonly files: FileTexts;
  readonly changes: readonly SettledChange[];
}

interface Planning {
  readonly work: Settling;
  readonly spec: ApplicationSpec;
  /** The commit that is built on, and its files. */
  readonly revision: string;
  readonly tree: FileTree;
  readonly branch: string;
}

/** The files that change, one drift after the other; each is rendered and has to change nothing but its field. */
async function plan(planning: Planning): Promise<Planned> {
  const { work, spec, tree, revision } = planning;
  const { drifts, io, sources } = work;
  const render = async (at: FileTree) => (await renderSources(sources, spec, revision, io.signal, at)).set;
  let files: FileTexts = {};
  const changes: SettledChange[] = [];
  for (const drift of drifts) {
    const [kind, name] = drift.object.split('/');
    const now = treeWith(tree, files);
    const set = await render(now);
    const facts = set.objects.find(
      ({ object }) =>
        object.kind === kind &&
        object.metadata.name === name &&
        (object.metadata.namespace ?? drift.namespace) === drift.namespace,
    );
    const live = liveObject(work.material, drift);
    if (facts === undefined || live === undefined)
      throw refuse(drift, 'it is not rendered', 'Look again: landfall drift.');
    checkStillAsked(drift, facts.object);
    // What somebody took out of the cluster is taken out of Git.
    const value = drift.kind === 'added' ? getIn(live, ...drift.path) : drift.live;
    if (value === undefined && drift.kind === 'added')
      throw refuse(drift, 'the cluster has no value for it any more', 'Look again: landfall drift.');
    const change = await changeField({
      tree: now,
      folder: spec.path,
      facts,
      live,
      path: pathIn(facts, live, drift),
      value,
      render,
    });
    files = { ...files, [change.file]: change.text };
    changes.push({
      object: drift.object,
      field: drift.field,
      from: shownValue(drift.desired),
      to: shownValue(drift.live),
      where: `${change.file}:${change.line}`,
    });
  }
  await checkOthers(planning, files);
  return { files, changes };
}

/** Who looked at a drift decided about the value that Git had then. */
function checkStillAsked(drift: Drift, rendered: KubeObject): void {
  if (drift.kind !== 'changed') return;
  const now = getIn(rendered, ...drift.path);
  if (jsonEqual(now ?? null, drift.desired ?? null)) return;
  throw new LandfallError(
    `${drift.object} ${drift.field} was ${shownValue(drift.desired)} in Git, and is ${shownValue(now)} by now.`,
    {
      kind: 'conflict',
      code: 'drift-decided-elsewhere',
      object: drift.object,
      hint: 'Somebody committed it meanwhile. Look again: landfall drift.',
    },
  );
}

/** An item of a list that Git does not have stands behind those that it has. */
function pathIn(
  facts: RenderedFacts,
  live: RenderedFacts['object'],
  drift: Drift,
): readonly (string | number)[] {
  if (drift.kind !== 'added') return drift.path;
  const path: (string | number)[] = [];
  for (const step of drift.path) {
    const there = getIn(facts.object, ...path);
    if (typeof step === 'number' && Array.isArray(there)) {
      const item = getIn(live, ...drift.path.slice(0, path.length + 1));
      const name = getIn(item, 'name');
      const at = there.findIndex(
        (each) => name !== undefined && jsonEqual(getIn(each, 'name') ?? null, name),
      );
      path.push(at < 0 ? there.length : at);
    } else path.push(typeof step === 'number' ? 0 : step);
  }
  return path;
}

/** Every other environment must render as before: an accepted drift belongs to one. */
async function checkOthers(planning: Planning, files: FileTexts): Promise<void> {
  const { work, spec, tree, branch, revision } = planning;
  const reached = await reachOfFiles(
    {
      sources: work.sources,
      spec,
      branch,
      commit: revision,
      before: tree,
      signal: work.io.signal,
    },
    files,
  );
  const other = reached.find(({ state }) => state === 'changed');
  if (other === undefined) return;
  throw new LandfallError(`Accepting this would change ${other.who}, too.`, {
    kind: 'conflict',
    code: 'drift-reaches-others',
    object: other.who,
    hint: `Its folder ${other.folder} uses the same file; write a patch in ${spec.path} by hand.`,
  });
}

async function branchOf(mirror: GitMirror, spec: ApplicationSpec, signal: AbortSignal): Promise<string> {
  const { ref } = await mirror.resolve(spec.revision, signal);
  const branch = /^refs\/heads\/(.+)$/.exec(ref ?? '')?.[1];
  if (branch !== undefined) return branch;
  throw new LandfallError(`${spec.name} tracks ${spec.revision}, which is no branch; a commit needs one.`, {
    kind: 'invalid-input',
    code: 'revision-not-a-branch',
    object: spec.revision,
    hint: 'Commit the change by hand where releases are made, and move what the application tracks.',
  });
}

function messageOf(work: Settling, spec: ApplicationSpec, changes: readonly SettledChange[]): string {
  const [first] = changes;
  const gone = work.drifts[0]?.live === undefined;
  const one = first && (gone ? `that ${first.field} is gone` : `${first.field} ${first.to}`);
  const what = changes.length === 1 && one !== undefined ? one : `${changes.length} live values`;
  const who = work.drifts.map(
    ({ field, by, writer }) => `${field}: ${by}${writer?.time === undefined ? '' : ` at ${writer.time}`}`,
  );
  const { reason } = work.options;
  return [
    `Accept ${what} for ${spec.name}`.slice(0, 100),
    '',
    ...(reason === undefined ? [] : [reason, '']),
    'Changed in the cluster, and taken over into Git:',
    ...changes.map(({ object, field, from, to }) => `${object} ${field}: ${from} → ${to}`),
    ...who,
  ].join('\n');
}

const ATTEMPTS = 5;

/** Does it again on top of what somebody else committed meanwhile. */
async function retried<T>(act: (again: boolean) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act(attempt > 1);
    } catch (thrown) {
      const moved = thrown instanceof LandfallError && thrown.code === 'git-branch-moved';
      if (!moved || attempt === ATTEMPTS) throw thrown;
    }
  }
}

/** Commits live values to the lines that own them, and waits until Git, controller and workload agree. */
export async function acceptDrift(work: Settling): Promise<Settled> {
  const { sources, drifts, options, io, report } = work;
  const { signal } = io;
  for (const drift of drifts) checkAcceptable(drift);
  const base = {
    action: 'accept' as const,
    application: report.application,
    dryRun: options.dryRun === true,
  };
  if (drifts.length === 0)
    return {
      ...base,
      agrees: true,
      commit: undefined,
      changes: [],
      agreements: [],
      left: 0,
      problem: undefined,
    };
  const spec = fromGit(
    await findApplication(sources.kube, qualifiedName(work.material.subject), report.namespace, signal),
  );
  const mirror = sources.git.open(spec.repository);
  const branch = await branchOf(mirror, spec, signal);
  const planAt = (revision: string) => plan({ work, spec, revision, tree: mirror.tree(revision), branch });
  if (options.dryRun === true) {
    const { changes } = await planAt(report.revision);
    return {
      ...base,
      agrees: false,
      commit: undefined,
      changes,
      agreements: [],
      left: 0,
      problem: undefined,
    };
  }
  const author = await authorOf(io);
  const { planned, made } = await retried(async (again) => {
    const revision = again ? (await mirror.resolve(spec.revision, signal)).commit : report.revision;
    const planned = await planAt(revision);
    const message = messageOf(work, spec, planned.changes);
    const { files } = planned;
    const made = await mirror.commit({ branch, files, message, author, expectParent: revision }, signal);
    return { planned, made };
  });
  await lookNow(sources.kube, spec.object, io.clock, signal);
  const { agreements, left } = await untilAgreed(work, (now) => now.revision === made.commit);
  const missing = agreements.find(({ agrees }) => !agrees);
  return {
    ...base,
    agrees: missing === undefined,
    commit: made.commit,
    changes: planned.changes,
    agreements,
    left,
    problem: missing && problemOf(missing, left),
  };
}
