import type { BoundaryName, ClaimSource } from '../../boundaries/index.ts';
import type { AnswerFact, EngineFact, World } from '../../verdict/index.ts';
import { parseCommand } from '../read/command.ts';
import type { Trouble } from './trouble.ts';
import { claimOf, inSpace, oneLine } from './trouble.ts';

export function engineTrouble(engine: EngineFact): Trouble | undefined {
  const { application, sync, health, messages, operation } = engine;
  const said =
    messages.filter((text) =>
      /fail|error|denied|forbidden|not found|unable|invalid|timed? ?out|conflict|cannot|couldn't|exceeded|degraded|abort|mismatch|refused|missing|unknown/i.test(
        text,
      ),
    )[0] ??
    messages[0] ??
    '';
  const failed = operation !== undefined && /^(?:Failed|Error)$/i.test(operation.phase);
  const broken = failed || /^(?:Unknown|NotReady|failed|False)$/.test(sync ?? '');
  const outOfSync = sync === 'OutOfSync';
  const pending =
    sync?.startsWith('pending-') === true ||
    /^Running$/i.test(operation?.phase ?? '') ||
    health === 'Progressing';
  const subject = `${engine.engine === 'unknown' ? 'Application' : engine.engine} ${application}`;
  const degraded = /^(?:Degraded|Missing)$/.test(health ?? '');
  const check =
    engine.engine === 'Flux'
      ? `flux get all -A --status-selector ready=false`
      : engine.engine === 'Helm'
        ? `helm history ${application}${inSpace(engine.destination)}`
        : engine.engine === 'Argo Rollouts'
          ? `kubectl argo rollouts get rollout ${application}${inSpace(engine.destination)}`
          : `argocd app get ${application} --show-operation`;
  const claims = [
    claimOf(
      'sync',
      subject,
      'status',
      [sync, health, operation?.phase].filter((part) => part !== undefined).join(', '),
      engine.source,
    ),
    ...messages.slice(0, 5).map((text) => claimOf('sync', subject, 'message', text, engine.source)),
  ];
  const trouble = (
    boundary: BoundaryName,
    reason: string,
    what: string,
    weight: Trouble['weight'],
  ): Trouble => ({
    boundary,
    subject,
    reason,
    title: `${subject} is ${what}${said === '' ? '' : `: ${oneLine(said)}`}`,
    claims,
    weight,
    check,
  });
  const rendering =
    /(?:ComparisonError|failed to generate manifest|rpc error: code = Unknown|kustomize build|helm template|Manifest generation error|BuildFailed)/i.test(
      messages.join(' '),
    );
  if (broken)
    return trouble(
      rendering ? 'render' : 'sync',
      'engine-failed',
      [sync, operation?.phase].filter((part) => part !== undefined).join(', '),
      'hard',
    );
  if (degraded)
    return trouble(
      engine.engine === 'Argo Rollouts' ? 'rollout' : 'health',
      'engine-degraded',
      health ?? '',
      'hard',
    );
  if (outOfSync) return trouble('sync', 'out-of-sync', 'OutOfSync', 'hard');
  if (engine.suspended === true && engine.engine === 'Flux')
    return trouble('sync', 'suspended', 'suspended', 'hard');
  if (pending)
    return trouble(
      health === 'Progressing' ? 'rollout' : 'sync',
      'engine-moving',
      health ?? sync ?? '',
      'moving',
    );
  return undefined;
}

const BY_COMMAND: readonly (readonly [RegExp, BoundaryName])[] = [
  [
    /^(?:docker|podman|crane|skopeo|regctl|buildah|npm|make|go|mvn|gradle)\b|gcloud builds|gh run/,
    'artifact',
  ],
  [/^git\b/, 'intent'],
  [/kustomize build|kubectl kustomize|helm (?:template|lint|dependency)|argocd app manifests/, 'render'],
  [
    /^(?:kubectl|oc|k) (?:apply|create|replace|patch|delete|diff|set)|^helm (?:upgrade|install|rollback)|^argocd app sync|^flux|auth can-i/,
    'sync',
  ],
  [/rollout status|rollout (?:undo|restart)|^kubectl argo/, 'rollout'],
  [/^(?:curl|wget|nc|dig|nslookup|openssl|host|grpcurl|http)\b/, 'traffic'],
];

export function answerTrouble(answer: AnswerFact): Trouble | undefined {
  if (answer.ok !== false) return undefined;
  const command = answer.asked.trim();
  const boundary = BY_COMMAND.find(([pattern]) => pattern.test(command))?.[1];
  const program = command === '' ? '' : parseCommand(command).program;
  const lost = /\(NotFound\)|No resources found|the server doesn't have a resource type/.test(answer.answer);
  const at = boundary ?? (/denied|forbidden/i.test(answer.answer) ? 'sync' : 'health');
  return {
    boundary: at,
    subject: command === '' ? 'output' : oneLine(command).slice(0, 80),
    reason: 'command-failed',
    title: `${command === '' ? 'Output' : `${program} ${parseCommand(command).words.slice(0, 2).join(' ')}`.trim()} says: ${oneLine(answer.answer)}`,
    claims: [claimOf(at, command === '' ? 'output' : command, 'answer', answer.answer, answer.source)],
    weight: boundary === undefined || (lost && boundary !== 'sync') ? 'soft' : 'hard',
    check: command === '' ? '' : command,
  };
}

export function artifactOf(source: ClaimSource): string | undefined {
  return source.type === 'artifact' ? source.artifact : undefined;
}

export function buildTroubles(world: World): readonly Trouble[] {
  const newest = world.builds.toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0];
  if (
    newest === undefined ||
    (newest.state !== 'failed' &&
      newest.state !== 'waiting-for-approval' &&
      newest.state !== 'cancelled' &&
      newest.state !== 'running')
  )
    return [];
  const said = world.answers.find(
    (answer) =>
      answer.ok === false &&
      answer.source.type === 'artifact' &&
      newest.source.type === 'artifact' &&
      answer.source.artifact === newest.source.artifact,
  )?.answer;
  const deploys =
    /Error from server|is invalid: |forbidden|UPGRADE FAILED|error validating|error when (?:creating|applying|patching)|unable to recognize/.test(
      said ?? '',
    );
  const boundary = deploys ? 'sync' : 'artifact';
  const subject = `build${newest.commit === undefined ? '' : ` of ${newest.commit.slice(0, 8)}`}`;
  const waits = newest.state === 'waiting-for-approval';
  return [
    {
      boundary,
      subject,
      reason: `build-${newest.state}`,
      title: `The newest ${subject} ${newest.state === 'running' ? 'is running' : waits ? 'waits for approval' : newest.state === 'failed' ? 'failed' : 'was cancelled'}${said === undefined ? '' : `: ${oneLine(said)}`}`,
      claims: [
        claimOf('artifact', subject, 'state', newest.state, newest.source),
        ...(said === undefined ? [] : [claimOf('artifact', subject, 'error', said, newest.source)]),
      ],
      weight: newest.state === 'running' ? 'moving' : 'hard',
      check: newest.system === 'Cloud Build' ? 'gcloud builds list --limit 5' : 'gh run view --log-failed',
    },
  ];
}
