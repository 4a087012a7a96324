import { getString } from '../../kernel/index.ts';
import type { BuildFact, DigestFact, EngineFact, LogLine } from '../../verdict/index.ts';

const DIGEST = String.raw`sha256:[0-9a-f]{6,64}(?:(?:\.{3}|…)[0-9a-f]*)?`;
const IMAGE = String.raw`(?:[\w.-]+(?::\d+)?\/)?[\w./-]+(?::[\w][\w.-]{0,127})?`;

/** `Built and pushed v2.5.0 (commit e3b7d9f1) -> registry.corp.io/x:latest sha256:9c4d8e1a...f273`, and docker's and buildx' own lines. */
export function buildIn(log: LogLine): BuildFact | undefined {
  const { message } = log;
  const pushed = new RegExp(
    String.raw`(?:(?:built and )?push(?:ed|ing)|published|uploaded)\b.*?(?:->|to|:)?\s*(?<image>${IMAGE})(?:[@ ]+(?:digest:? ?)?(?<digest>${DIGEST}))`,
    'i',
  ).exec(message)?.groups;
  const docker = new RegExp(String.raw`^(?<tag>[\w][\w.-]*): digest: (?<digest>${DIGEST}) size: \d+`).exec(
    message.trim(),
  )?.groups;
  if (pushed === undefined && docker === undefined) return undefined;
  const version = /\bv?(\d+\.\d+\.\d+[\w.+-]*)\b/.exec(message)?.[1];
  return {
    image:
      pushed?.['image']?.includes('/') === true || pushed?.['image']?.includes(':') === true
        ? pushed['image']
        : undefined,
    digest: pushed?.['digest'] ?? docker?.['digest'],
    commit:
      /\bcommit[ :=]+([0-9a-f]{7,40})\b/i.exec(message)?.[1] ??
      /\b(?:sha|revision)[ :=-]+([0-9a-f]{7,40})\b/i.exec(message)?.[1],
    version,
    ref: /\bref[ :=]+(\S+)/.exec(message)?.[1],
    time: log.time,
    state: 'succeeded',
    system: log.component,
    source: log.source,
  };
}

/** `app comms-notification synced to a4f8c2d1: Sync succeeded. Resources: 0 updated, 3 unchanged`. */
export function engineIn(log: LogLine): EngineFact | undefined {
  const { message } = log;
  const found =
    /\bapp(?:lication)?[ :='"]+(?<name>[a-z0-9][\w.-]*)['"]?,? (?:(?<verb>synced|reconciled)(?: (?:to|at) '?(?<revision>[0-9a-f]{7,40}|[\w./-]+)'?)?)/i.exec(
      message,
    )?.groups;
  const name = found?.['name'] ?? getString(log.fields, 'application');
  const counts =
    /(?<updated>\d+) (?:updated|changed|configured)[, ]+(?:and )?(?<unchanged>\d+) unchanged/i.exec(
      message,
    )?.groups;
  const phase = /\bsync (?:operation )?(?:to \S+ )?(?<phase>succeeded|failed)/i.exec(message)?.groups?.[
    'phase'
  ];
  if (name === undefined || (found === undefined && phase === undefined && counts === undefined))
    return undefined;
  const flux = /kustomize-controller|flux|helm-controller/i.test(log.component ?? '');
  return {
    engine: flux
      ? 'Flux'
      : /argo/i.test(log.component ?? '') || /argo/i.test(message)
        ? 'Argo CD'
        : 'unknown',
    application: name.replace(/^.*\//, ''),
    kind: undefined,
    sync: undefined,
    health: undefined,
    revision: found?.['revision'],
    targetRevision: undefined,
    repository: undefined,
    path: undefined,
    destination: undefined,
    messages: [message],
    operation:
      phase === undefined && counts === undefined
        ? undefined
        : {
            phase: phase === undefined || /succeeded/i.test(phase) ? 'Succeeded' : 'Failed',
            updated: counts === undefined ? undefined : Number(counts['updated']),
            unchanged: counts === undefined ? undefined : Number(counts['unchanged']),
          },
    suspended: undefined,
    time: log.time,
    source: log.source,
  };
}

/** A reference with its digest in any line: `registry.corp.io/app:1.2 @ sha256:...`, `Digest: sha256:...`. */
export function digestIn(log: LogLine): DigestFact | undefined {
  const found = new RegExp(`(?<reference>${IMAGE})@(?<digest>${DIGEST})`).exec(log.message)?.groups;
  if (found?.['reference'] === undefined) return undefined;
  return {
    reference: found['reference'],
    digest: found['digest'],
    platforms: [],
    answer: 'OK',
    source: log.source,
  };
}
