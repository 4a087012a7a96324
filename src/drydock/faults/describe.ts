import type { ApiFault, Fault, PodFault, PullFault, RegistryFault, Trigger } from './fault.ts';

/** A fault as one sentence without its full stop: `every 3rd patch of deployments is answered 503`. */
export function describeFault(fault: Fault): string {
  switch (fault.on) {
    case 'api':
      return apiSentence(fault);
    case 'registry':
      return registrySentence(fault);
    case 'pull':
      return pullSentence(fault);
    case 'node':
      return nodeSentence(fault);
    case 'pods':
      return podSentence(fault);
    default:
      return fault satisfies never;
  }
}

function which({ nth, every }: Trigger): string {
  if (nth !== undefined) return `the ${ordinal(nth)}`;
  return every === undefined || every === 1 ? 'every' : `every ${ordinal(every)}`;
}

function often({ times }: Trigger): string {
  return times === undefined ? '' : `, ${times === 1 ? 'once' : `${times} times`}`;
}

function ordinal(count: number): string {
  const ends: Readonly<Record<number, string>> = { 1: 'st', 2: 'nd', 3: 'rd' };
  const teen = count % 100 >= 11 && count % 100 <= 13;
  return `${count}${teen ? 'th' : (ends[count % 10] ?? 'th')}`;
}

function span(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

function requestEffect(effect: ApiFault['effect'] | RegistryFault['effect']): string {
  const written = 'written' in effect && effect.written;
  switch (effect.type) {
    case 'slow':
      return `waits ${span(effect.ms)}`;
    case 'status':
      return `is answered ${effect.status}`;
    case 'hang':
      return written ? 'is done and gets no answer' : 'gets no answer';
    case 'reset':
      return written ? 'is done and loses its answer with the connection' : 'loses its connection';
    case 'late':
      return 'is carried out only once its client has gone';
    case 'truncate':
      return 'is cut off in the middle of its answer';
    case 'corrupt':
      return 'is answered with a wrong byte';
    case 'end-watch': {
      const after = effect.afterEvents === undefined ? '' : ` after ${effect.afterEvents} events`;
      return { reset: 'is cut', close: 'ends', expired: 'is told 410' }[effect.how] + after;
    }
    default:
      return effect satisfies never;
  }
}

function apiSentence(fault: ApiFault): string {
  const { verbs, group, resource, namespace, name, dryRun, client, effect } = fault;
  const watches = effect.type === 'end-watch';
  const what = watches ? 'watch' : (verbs?.join(' or ') ?? 'request');
  const parts = [
    which(fault),
    ...(dryRun === true ? ['dry-run'] : []),
    what,
    ...(resource === undefined ? [] : [`of ${resource === '*' ? 'any resource' : resource}`]),
    ...(group === undefined ? [] : [`in the API group "${group}"`]),
    ...(name === undefined ? [] : [`named ${name}`]),
    ...(namespace === undefined ? [] : [`in namespace ${namespace}`]),
    ...(client === undefined ? [] : [`by ${client}`]),
    ...(dryRun === false ? ['that is no dry run'] : []),
    requestEffect(effect),
  ];
  return `${parts.join(' ')}${often(fault)}`;
}

function registrySentence(fault: RegistryFault): string {
  const { method, operation, repository, reference, effect } = fault;
  const parts = [
    which(fault),
    ...(method === undefined ? [] : [method]),
    `${operation ?? ''} request`.trim(),
    'of the registry',
    ...(repository === undefined
      ? []
      : [`for ${repository}${reference === undefined ? '' : `:${reference}`}`]),
    ...(repository !== undefined || reference === undefined ? [] : [`for ${reference}`]),
    requestEffect(effect),
  ];
  return `${parts.join(' ')}${often(fault)}`;
}

function pullSentence(fault: PullFault): string {
  const { image, node, effect } = fault;
  const does =
    effect.type === 'slow'
      ? `takes ${span(effect.ms)} longer`
      : effect.type === 'timeout'
        ? 'meets a registry that does not answer'
        : `meets a registry that answers ${effect.status}`;
  const where = node === undefined ? '' : ` on ${node}`;
  return `${which(fault)} pull of ${image ?? 'any image'}${where} ${does}${often(fault)}`;
}

function nodeSentence({ node, effect }: Extract<Fault, { on: 'node' }>): string {
  switch (effect.type) {
    case 'lost':
      return `${node} is lost: its kubelet reports nothing`;
    case 'not-ready':
      return `${node} says that it is not ready`;
    case 'pressure':
      return `${node} says that it runs out of ${effect.pressure === 'pid' ? 'process ids' : effect.pressure}`;
    default:
      return effect satisfies never;
  }
}

function podSentence(fault: PodFault): string {
  const { namespace, name, selector, container, effect } = fault;
  const parts = [
    which(fault),
    `run of ${container === undefined ? 'a container' : `container ${container}`}`,
    ...(name === undefined ? [] : [`of pod ${name}`]),
    ...(selector === undefined ? [] : [`of pods with ${selector}`]),
    ...(namespace === undefined ? [] : [`in namespace ${namespace}`]),
  ];
  const after = 'afterMs' in effect && effect.afterMs !== undefined ? ` after ${span(effect.afterMs)}` : '';
  const does = {
    crash: `ends with code ${effect.type === 'crash' ? (effect.exitCode ?? 1) : 1}${after}`,
    oom: `is OOMKilled${after}`,
    'never-ready': 'does not become ready',
    'slow-start': `starts ${effect.type === 'slow-start' ? span(effect.ms) : ''} later`,
    'ignore-sigterm': 'ignores SIGTERM',
    evict: `is evicted for want of ${effect.type === 'evict' ? effect.pressure : ''}`,
  }[effect.type];
  return `${parts.join(' ')} ${does}${often(fault)}`;
}
