import type { ClaimSource } from '../../../boundaries/index.ts';
import { getString, isJsonObject } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import type { AnswerFact } from '../../world/index.ts';
import { counted, groupBy, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

const WRITTEN =
  /^(?<kind>[a-z]+)(?:\.[\w.-]+)?\/(?<name>[\w.:-]+) (?<how>created|configured|serverside-applied|pruned|deleted)$/;
const REFUSED =
  /^(?:Error from server|error: (?:error|unable|resource mapping|Apply failed)|The [A-Z]\w+ "[^"]+" is invalid|[a-z][\w.]* "[^"]+" is forbidden)/;
/** The object in the words of the API server: its plural and name, or its kind and name. */
const OBJECT =
  /(?:^|[\s:])(?:The )?(?<kind>[A-Za-z][A-Za-z]+)(?:\.[a-z0-9.-]+)? "(?<name>[a-z0-9][\w.-]*)" is (?:forbidden|invalid)(?:: (?<field>[\w.[\]-]+): )?/;

interface Refusal {
  readonly answer: AnswerFact;
  readonly subject: string;
  /** The object as its manifest asks for it, where that is shown, and the line. */
  readonly asked: { readonly thing: Thing; readonly source: ClaimSource } | undefined;
}

function refusalOf(view: View, answer: AnswerFact): Refusal {
  const found = OBJECT.exec(answer.answer)?.groups;
  const word = found?.['kind']?.toLowerCase() ?? '';
  const thing = view.desired.find(
    ({ kind, name }) =>
      name === found?.['name'] &&
      [
        kind.toLowerCase(),
        `${kind.toLowerCase()}s`,
        `${kind.toLowerCase()}es`,
        kind.toLowerCase().replace(/y$/, 'ies'),
      ].includes(word),
  );
  const path = (found?.['field'] ?? '')
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return {
    answer,
    subject:
      thing?.id ?? (found === undefined ? 'an object' : `${found['kind'] ?? ''}/${found['name'] ?? ''}`),
    asked: thing === undefined ? undefined : { thing, source: thing.cite(...path) },
  };
}

function placeOf(source: ClaimSource): string | undefined {
  return source.type === 'artifact'
    ? `${source.artifact}:${source.line}`
    : source.type === 'file'
      ? `${source.file}:${source.line}`
      : undefined;
}

/** What runs of what the apply wrote: the image of each workload that it changed. */
function runs(view: View, written: readonly AnswerFact[]): readonly string[] {
  return written.flatMap(({ answer }) => {
    const { kind = '', name = '' } = WRITTEN.exec(answer)?.groups ?? {};
    const thing = view
      .kind('Deployment', 'StatefulSet', 'DaemonSet')
      .find((each) => each.kind.toLowerCase() === kind && each.name === name);
    const [container] = thing?.list('spec', 'template', 'spec', 'containers') ?? [];
    const image = getString(container, 'image');
    const ready = thing?.number('status', 'readyReplicas');
    const updated = thing?.number('status', 'updatedReplicas');
    return image === undefined
      ? []
      : [
          `${kind}/${name} runs ${image}${ready === undefined ? '' : `, ${ready} ready`}${updated === undefined ? '' : `, ${updated} updated`}`,
        ];
  });
}

/** An apply that failed for some objects and wrote the others: kubectl takes nothing back. */
function appliedInPart(view: View): Draft[] {
  const groups = groupBy(view.world.answers, ({ asked, source }) =>
    source.type === 'artifact' ? `${source.artifact}|${asked}` : asked,
  );
  return [...groups.values()].flatMap((answers): Draft[] => {
    const refused = answers
      .filter(({ ok, answer }) => ok === false && REFUSED.test(answer))
      .map((answer) => refusalOf(view, answer));
    const written = answers.filter(({ ok, answer }) => ok === true && WRITTEN.test(answer));
    const [first] = refused;
    if (first === undefined || written.length === 0) return [];
    const running = runs(view, written);
    const place = first.asked === undefined ? undefined : placeOf(first.asked.source);
    return [
      {
        id: 'applied-in-part',
        boundary: 'sync',
        title: `the apply failed at ${first.subject}${refused.length > 1 ? ` and ${counted(refused.length - 1, 'other')}` : ''} and left ${counted(written.length, 'object')} written`,
        confidence: 0.86,
        why: [
          `Refused${place === undefined ? '' : ` (${place})`}: ${quote(first.answer.answer)}`,
          `Written all the same: ${written
            .slice(0, 6)
            .map(({ answer }) => answer)
            .join(
              ', ',
            )}${written.length > 6 ? ` and ${written.length - 6} more` : ''}. kubectl apply goes object by object and takes nothing back.`,
          ...running.map((text) => `So the new version is live although the job failed: ${text}.`),
        ],
        claims: [
          ...refused
            .slice(0, 5)
            .flatMap(({ answer, subject, asked }) => [
              view.claim('sync', subject, 'refusal', answer.answer, answer.source),
              ...(asked === undefined
                ? []
                : [view.claim('intent', subject, 'manifest', asked.thing.id, asked.source)]),
            ]),
          ...written
            .slice(0, 10)
            .map(({ answer, source }) =>
              view.claim('sync', answer.split(' ')[0] ?? '', 'answer', answer, source),
            ),
        ],
        misleading: [
          ['the job failed', 'so nothing is thought to be deployed; all but what was refused is'],
          [
            'the new version runs',
            'so the job is thought to have succeeded; a part of the release is missing',
          ],
        ],
        now: [
          'Mend what was refused and apply again, or apply the release before; look at both environments.',
          ...(place === undefined ? [] : [`kubectl apply --dry-run=server -f ${place.replace(/:\d+$/, '')}`]),
        ],
        lasting: [
          'Try the whole set on the server before the first write (landfall apply does, and is all or nothing).',
          'kubectl apply --dry-run=server -f MANIFEST',
          'landfall apply DIR --env ENVIRONMENT',
        ],
        verify: ['kubectl apply --dry-run=server -f MANIFEST', 'kubectl diff -f MANIFEST'],
        can: 'sync',
      },
    ];
  });
}

const TOLD =
  /slack|notif|webhook|teams|pagerduty|opsgenie|discord|mattermost|rocket\.?chat|sendmail|mail-to|email/i;
const STAGES: readonly (readonly [string, RegExp])[] = [
  ['staging', /(?:^|[^a-z])(?:staging|stage|stg)(?:[^a-z]|$)/i],
  ['production', /(?:^|[^a-z])(?:production|prod|prd|live)(?:[^a-z]|$)/i],
];
const DEPLOYS = /kubectl|helm|deploy|kustomize|landfall|argocd|flux/i;

/** Jobs of a pipeline, by the environment that they deploy to. GitHub keeps them under `jobs`, GitLab at the root. */
function jobsOf(value: JsonValue | undefined): readonly (readonly [name: string, text: string])[] {
  if (!isJsonObject(value)) return [];
  const all = isJsonObject(value['jobs']) ? value['jobs'] : value;
  return Object.entries(all).flatMap(([name, job]) =>
    isJsonObject(job) ? [[name, JSON.stringify(job)] as const] : [],
  );
}

/** A pipeline that tells somebody when production fails, and nobody when staging does. */
function untold(view: View): Draft[] {
  return view.world.files.flatMap((file): Draft[] => {
    if (file.kind !== 'ci') return [];
    const jobs = jobsOf(file.value);
    const of = (pattern: RegExp) =>
      jobs.filter(([name, text]) => pattern.test(`${name} ${text}`) && DEPLOYS.test(`${name} ${text}`));
    const told = (name: string) =>
      // A job that waits for the one that deploys tells of it as well.
      jobs.some(
        ([other, text]) =>
          TOLD.test(text) &&
          (other === name || new RegExp(`"needs":(?:"${name}"|\\[[^\\]]*"${name}")`).test(text)),
      );
    const [[, staging], [, production]] = [STAGES[0] ?? ['', /$^/], STAGES[1] ?? ['', /$^/]];
    const silent = of(staging).filter(([name, text]) => !production.test(`${name} ${text}`) && !told(name));
    const loud = of(production).filter(([name]) => told(name));
    const [job] = silent;
    if (job === undefined || loud.length === 0) return [];
    return [
      {
        id: 'environment-untold',
        boundary: 'sync',
        kind: 'risk',
        title: `nobody is told when the job ${job[0]} fails; of ${loud[0]?.[0] ?? 'production'} somebody is`,
        confidence: 0.85,
        why: [
          'A failure in staging is the warning before production. Here it is silent: the same refusal may have come there first.',
        ],
        claims: [
          view.claim('sync', job[0], 'notifications', 'none', file.cite(['jobs', job[0]])),
          view.claim(
            'sync',
            loud[0]?.[0] ?? '',
            'notifications',
            'declared',
            file.cite(['jobs', loud[0]?.[0] ?? '']),
          ),
        ],
        misleading: [['no message about staging', 'none is sent, whether it fails or not']],
        now: ['Look at the last runs of the staging job.', 'gh run list --workflow deploy'],
        lasting: ['Tell of staging as loudly as of production (landfall.yaml: environments[].notify).'],
        verify: ['landfall check DIR'],
        can: 'commit',
      },
    ];
  });
}

/** What an apply left behind, and who heard of it. Source: kubectl applies object by object and undoes nothing. */
export const partialApplyRule: WorldRule = (view) => [...appliedInPart(view), ...untold(view)];
