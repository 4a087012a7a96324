import { API_HOST, APPROVER, DEV_API_HOST, DEVELOPER, startLoad } from '../../../../examples/tomoda/index.ts';
import type { LoadReport, PinnedImage, TomodaApplication } from '../../../../examples/tomoda/index.ts';
import { asLandfallError } from '../../../kernel/index.ts';
import type { TomodaStage } from './stage.ts';
import { loadLine } from './teller.ts';
import type { Teller } from './teller.ts';
import { buildIs, overlayAsksFor } from './waits.ts';
import type { Waiting } from './waits.ts';

/** Two pools, each in dev and in prod, with 1.0.0. */
export async function deliverFirst(stage: TomodaStage, { say, landfall }: Teller): Promise<void> {
  say('tomoda 1.0.0 is in both registries and pinned in both overlays; its Applications are registered');
  await stage.register('tomoda');
  await stage.register('prod-tomoda');
  await landfall(['prove', 'tomoda', '--wait', '3m']);
  await landfall(['prove', 'prod-tomoda', '--wait', '3m']);
}

/** Lets clients ask from outside while something happens, and says what they saw. */
async function underLoad(
  stage: TomodaStage,
  host: string,
  { detail }: Teller,
  happens: () => Promise<void>,
): Promise<LoadReport> {
  const load = startLoad(await stage.ingress(host));
  try {
    await happens();
  } finally {
    const report = await load.stop();
    detail('');
    detail(loadLine(report, host));
  }
  return load.report();
}

/** Shows what a commit of devops changed. */
async function showChange(stage: TomodaStage, commit: string, { typed, detail }: Teller): Promise<void> {
  const { devops, git } = stage.repositories;
  await git(devops, 'fetch', '--quiet');
  typed(`git show ${commit.slice(0, 8)}   # devops`);
  const text = await git(devops, 'show', '--format=%an: %s', '--unified=0', '--no-color', commit);
  for (const line of text.split('\n'))
    if (!/^(?:diff|index|---|@@|$)/.test(line)) detail(line.replace(/^\+\+\+ b\//, ''));
}

/** The updater's commit for a tag, shown. */
async function followUpdate(
  stage: TomodaStage,
  application: TomodaApplication,
  tag: string,
  teller: Teller,
  waiting: Waiting,
): Promise<PinnedImage> {
  const pin = await overlayAsksFor(stage, application, tag, waiting);
  await showChange(stage, pin.commit, teller);
  return pin;
}

/** Push to main, approved by somebody else, built, committed by the updater, rolled, proven in dev. */
export async function reachDev(
  stage: TomodaStage,
  teller: Teller,
  waiting: Waiting,
): Promise<{ readonly commit: string; readonly seen: LoadReport }> {
  const { say, typed, landfall } = teller;
  const { app, commitNextVersion, git } = stage.repositories;
  say(`${DEVELOPER.name} pushes to main; the build waits for the approval of somebody else`);
  const commit = await commitNextVersion();
  typed(`git push origin main   # tomoda 1.1.0, ${commit.slice(0, 8)}`);
  await git(app, 'push', '--quiet', 'origin', 'main');
  const { id } = await buildIs(stage, 'tomoda-dev', commit, 'PENDING', waiting);
  await landfall(['builds', 'approve', id], { as: DEVELOPER, wanted: 1 });
  say(`${APPROVER.name} approves it; then nobody does anything any more`);
  const seen = await underLoad(stage, DEV_API_HOST, teller, async () => {
    await landfall(['builds', 'approve', id, '--comment', 'greetings look right'], { as: APPROVER });
    await buildIs(stage, 'tomoda-dev', commit, 'SUCCESS', waiting);
    await landfall(['builds', 'show', id]);
    await followUpdate(stage, 'tomoda', `sha-${commit}`, teller, waiting);
    await landfall(['prove', 'tomoda', '--revision', commit, '--wait', '3m'], { answer: true });
  });
  return { commit, seen };
}

/** A tag is the gate of prod: built again from it, into a registry of its own. */
export async function reachProd(
  stage: TomodaStage,
  commit: string,
  teller: Teller,
  waiting: Waiting,
): Promise<LoadReport> {
  const { say, typed, landfall } = teller;
  const { app, git } = stage.repositories;
  say('Prod is gated by a tag, and by nothing else');
  const seen = await underLoad(stage, API_HOST, teller, async () => {
    await git(app, 'tag', '--annotate', '--message', 'Release 1.1.0', 'v1.1.0', commit);
    typed('git tag v1.1.0 && git push --tags');
    await git(app, 'push', '--quiet', '--tags');
    await buildIs(stage, 'tomoda-prod', commit, 'SUCCESS', waiting);
    await landfall(['builds', 'list']);
    await followUpdate(stage, 'prod-tomoda', 'v1.1.0', teller, waiting);
    await landfall(['prove', 'prod-tomoda', '--revision', commit, '--wait', '3m'], { answer: true });
  });
  await verifyDeploy(stage, teller);
  return seen;
}

/** The commands by which the document verifies a deploy; what is not installed is not run. */
async function verifyDeploy(stage: TomodaStage, { say, detail, program }: Teller): Promise<void> {
  say('The same by the commands of everybody');
  const { ip, port } = await stage.ingress(API_HOST);
  const image = 'jsonpath={.spec.template.spec.containers[0].image}';
  const commands: readonly (readonly [string, ...string[]])[] = [
    ...['tomoda-api', 'tomoda-async'].flatMap((name): (readonly [string, ...string[]])[] => [
      ['kubectl', 'rollout', 'status', `deployment/${name}`, '-n', 'prod'],
      ['kubectl', 'get', 'deploy', name, '-n', 'prod', '-o', image],
    ]),
    [
      'curl',
      '--silent',
      '--connect-to',
      `${API_HOST}:443:${ip}:${port}`,
      '--cacert',
      stage.caFile(API_HOST),
      `https://${API_HOST}/health`,
    ],
  ];
  const missing = new Set<string>();
  for (const [name, ...args] of commands) {
    try {
      if (!missing.has(name)) await program(name, args);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.code !== 'program-missing') throw error;
      missing.add(name);
      detail(`${name} is not installed here.`);
    }
  }
}

/** Back to what landed before, with a hold, so that the updater does not go forward again by itself. */
export async function rollBack(stage: TomodaStage, teller: Teller, waiting: Waiting): Promise<LoadReport> {
  const { say, landfall } = teller;
  say('Something looks wrong in prod: back to what landed before');
  return underLoad(stage, API_HOST, teller, async () => {
    await landfall(['rollback', 'prod-tomoda', '--reason', 'greetings confuse people']);
    await followUpdate(stage, 'prod-tomoda', 'v1.0.0', teller, waiting);
    await landfall(['prove', 'prod-tomoda', '--wait', '3m'], { answer: true });
    await landfall(['holds', 'list']);
  });
}

/** A manifest that is changed by hand is synced like any other commit; a sync can be asked for. */
export async function editManifest(stage: TomodaStage, teller: Teller): Promise<LoadReport> {
  const { say, typed, landfall } = teller;
  const { devops, edit, overlays } = stage.repositories;
  const overlay = `${overlays.tomoda}/kustomization.yaml`;
  say('A manifest is edited directly, in overlays/dev; nobody waits for the poll');
  return underLoad(stage, DEV_API_HOST, teller, async () => {
    const commit = await edit(
      devops,
      overlay,
      (text) => `${text}${LONGER_DRAIN}`,
      'Drain a little longer in dev',
    );
    typed(`git push origin main   # devops, ${overlay}: ${commit.slice(0, 8)}`);
    await landfall(['sync', 'tomoda']);
    await landfall(['prove', 'tomoda', '--wait', '3m'], { answer: true });
  });
}

const LONGER_DRAIN = `patches:
  - target: { kind: Deployment }
    patch: |
      - { op: add, path: /spec/template/spec/containers/0/env/-, value: { name: DRAIN_MS, value: "1500" } }
`;
