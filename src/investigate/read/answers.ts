import type { AnswerFact, WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { kindOf, namespaceOf, parseCommand } from './command.ts';
import type { Command } from './command.ts';
import { artifactSource, fields, partialObject } from './objects.ts';

/** Lines by which programs say that something did not work, whatever the command. */
const FAILED =
  /^\s*(?:Error from server\b|(?:Comparison|Sync|InvalidSpec|Rendering)Error: |admission webhook "|(?:strict decoding|ValidationError)\b|[a-z][\w.-]* "[^"]+" is forbidden: |Error: UPGRADE|error: |Error: |ERROR: |Error response from daemon|The connection to the server |Unable to connect to the server|fatal: |FATA\[|The [A-Z]\w+ "[^"]+" is invalid|the server doesn't have|✗ |curl: \(\d+\)|ssh: |Back-off |rpc error: |time="[^"]*" level=fatal|panic: |remote: error|! \[rejected\]|UPGRADE FAILED|INSTALLATION FAILED|Forbidden|Unauthorized\b|unauthorized: |denied: |manifest unknown|MANIFEST_UNKNOWN|toomanyrequests: |Temporary failure in name resolution|;; connection timed out|\*\* server can't find|nc: |wget: |verify error|error when evicting |Warning: (?:resource|unknown field|would violate|spec\.|autoscaling|policy|batch|networking))/;

const APPLIED =
  /^(?:[a-z][\w.-]*\/[\w.:-]+|[a-z]+(?:\.[\w.-]+)? "[^"]+") (?:created|configured|unchanged|deleted|pruned|serverside-applied|restarted|scaled|patched|labeled|annotated|replaced|rolled back|image updated|env updated|paused|resumed)(?: \((?:server |client )?dry run\))?$/;

const STATUS_DONE =
  /^(?:deployment|daemon set|statefulset|rollout|partitioned roll out complete:?|stateful ?set)s?\b.*(?:successfully rolled out|roll out complete)/i;
const STATUS_WAIT =
  /^Waiting for (?:deployment|daemon set|statefulset|rollout|partitioned roll ?out|\d+ pods)\b.*/;

/** Programs whose answer counts as one whatever it says. */
const ASKING =
  /^(?:curl|wget|http|dig|nslookup|host|openssl|nc|telnet|psql|mysql|redis-cli|ping|env|printenv|grpcurl|cosign|date|ntpdate|chronyc|trivy|kubeconform|kubeval|promtool|amtool|dnf)$/;
const ASKING_KUBECTL =
  /^(?:auth|config|exec|diff|wait|debug|run|cluster-info|version|api-resources|certificate|drain|cordon)$/;
const ASKING_OTHER: Readonly<Record<string, RegExp>> = {
  argocd: /^(?:app|repo|cluster|proj|account)$/,
  flux: /^(?:trace|check|diff|tree|stats|reconcile|logs)$/,
  helm: /^(?:diff|test|get|template|lint|upgrade|install|rollback|repo|pull)$/,
  gh: /./,
  aws: /./,
  gcloud: /./,
  az: /./,
  crane: /./,
  skopeo: /./,
  docker: /./,
  podman: /./,
  kustomize: /./,
};

function isAsking(command: Command | undefined): boolean {
  if (command === undefined) return false;
  const [first = ''] = command.words;
  if (ASKING.test(command.program)) return true;
  if (/^(?:kubectl|oc|k)$/.test(command.program)) return ASKING_KUBECTL.test(first);
  return ASKING_OTHER[command.program]?.test(first) === true;
}

/** `HTTP/1.1 503 Service Unavailable`, as curl -i and -v print it. */
const HTTP = /^(?:<\s*)?HTTP\/\d(?:\.\d)?\s+(?<code>\d{3})\b\s*(?<reason>.*)$/;

/** `deployment "x" exceeded its progress deadline`: the object and its condition, as the command tells it. */
function statusObject(
  block: Block,
  command: Command | undefined,
  text: string,
  line: number,
): WorldObject | undefined {
  const found =
    /\b(?<kind>deployment|daemon set|statefulset|rollout)s?(?:\.apps)?\/?\s*"(?<name>[^"]+)"/.exec(
      text,
    )?.groups;
  if (found === undefined) return undefined;
  const kind = kindOf((found['kind'] ?? '').replace(' ', '')) ?? 'Deployment';
  const done = STATUS_DONE.test(text);
  const exceeded = /exceeded its progress deadline/.test(text);
  const updated = /(\d+) (?:out )?of (\d+) (?:new )?(?:replicas|pods|updated)/.exec(text);
  const partly = updated !== null && /have been updated/.test(text);
  const available = updated !== null && /are available/.test(text);
  return partialObject({
    artifact: block.artifact,
    line,
    kind,
    namespace: command === undefined ? undefined : namespaceOf(command),
    name: found['name'] ?? '',
    value: fields(
      [
        ['status', 'conditions'],
        exceeded
          ? [
              {
                type: 'Progressing',
                status: 'False',
                reason: 'ProgressDeadlineExceeded',
                message: text.trim(),
              },
            ]
          : done
            ? [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }]
            : undefined,
      ],
      [['status', 'updatedReplicas'], partly ? Number(updated[1]) : undefined],
      [['status', 'availableReplicas'], available ? Number(updated[1]) : undefined],
      [['spec', 'replicas'], partly ? Number(updated[2]) : undefined],
    ),
  });
}

/** Objects that an apply names were there after it, whatever else failed. */
function appliedObject(
  block: Block,
  command: Command | undefined,
  text: string,
  line: number,
): WorldObject | undefined {
  const found =
    /^(?<kind>[a-z]+)(?:\.[\w.-]+)?\/(?<name>[\w.:-]+) (?:created|configured|unchanged|serverside-applied)$/.exec(
      text,
    )?.groups;
  const kind = kindOf(found?.['kind'] ?? '');
  return kind === undefined || found?.['name'] === undefined
    ? undefined
    : partialObject({
        artifact: block.artifact,
        line,
        kind,
        namespace: command === undefined ? undefined : namespaceOf(command),
        name: found['name'],
      });
}

/** What commands answered: failures, results of an apply, rollout status, can-i, HTTP, DNS and certificates. */
export function readAnswers(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  const asked = block.command ?? block.title;
  const answers: AnswerFact[] = [];
  const live: WorldObject[] = [];
  const rest: TextLine[] = [];
  const isLogs =
    command !== undefined &&
    (command.words.includes('logs') || /^(?:stern|journalctl|tail)$/.test(command.program));
  const asking = isAsking(command);
  const canI = command?.words[0] === 'auth' && command.words[1] === 'can-i';
  const body: TextLine[] = [];
  const add = (line: TextLine, ok: boolean | undefined, answer = line.text.trim()) =>
    answers.push({
      asked,
      answer: answer.slice(0, 2_000),
      ok,
      source: artifactSource(block.artifact, line.line),
    });
  let denied: AnswerFact | undefined;
  for (const line of block.lines) {
    const text = line.text.trim();
    if (text === '') continue;
    // A policy explains itself in the lines below, which are part of what it said.
    if (denied !== undefined && !FAILED.test(text) && !APPLIED.test(text) && !STATUS_WAIT.test(text)) {
      if (denied.answer.length < 1_500) {
        denied = { ...denied, answer: `${denied.answer} ${text}` };
        answers[answers.length - 1] = denied;
        continue;
      }
    }
    denied = undefined;
    const http = HTTP.exec(text)?.groups;
    if (isLogs && !/^(?:Error from server|error: )/.test(text)) rest.push(line);
    else if (canI && /^(?:yes|no)\b/i.test(text)) add(line, /^yes/i.test(text), text);
    else if (http !== undefined)
      add(line, Number(http['code']) < 400, `HTTP ${http['code'] ?? ''} ${http['reason'] ?? ''}`.trim());
    else if (STATUS_WAIT.test(text) || STATUS_DONE.test(text)) {
      const object = statusObject(block, command, text, line.line);
      if (object !== undefined) live.push(object);
      add(line, STATUS_DONE.test(text) ? true : undefined);
    } else if (FAILED.test(text)) {
      const object = statusObject(block, command, text, line.line);
      if (object !== undefined && /exceeded/.test(text)) live.push(object);
      add(line, text.startsWith('Warning: ') ? undefined : false);
      if (
        /admission webhook "|denied request|denied the request|when \w+ (?:current configuration )?of:$/.test(
          text,
        )
      )
        denied = answers.at(-1);
    } else if (APPLIED.test(text)) {
      const object = appliedObject(block, command, text, line.line);
      if (object !== undefined) live.push(object);
      add(line, true);
    } else if (text.startsWith('No resources found')) add(line, undefined);
    else if (asking) {
      if (body.length < 400) body.push(line);
    } else if (
      /^(?:exit(?:ed)?(?: status| code)?|Process completed with exit code|command terminated with exit code)[: ]*\d+\.?$/i.test(
        text,
      )
    )
      add(line, /\b0\.?$/.test(text));
    else rest.push(line);
  }
  const [first] = body;
  if (first !== undefined) {
    const whole = body
      .map(({ text }) => text)
      .join('\n')
      .trim();
    const code = /(?:^|[\s:=])(?<code>[1-5]\d\d)$/.exec(whole)?.groups?.['code'];
    const isHttp = command?.program === 'curl' && code !== undefined && whole.length < 60;
    add(first, isHttp ? Number(code) < 400 : undefined, isHttp ? `HTTP ${code}` : whole);
  }
  if (answers.length === 0) return undefined;
  return { facts: { answers, live }, rest };
}
