import { getArray, getIn, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { Change } from '../../ledger/index.ts';
import type { Gate } from './gates.ts';
import { releaseFrom } from './release.ts';
import type { FoundRelease } from './release.ts';

/** How the release gets into the target; `revert`: by taking the commit back that brought another. */
export type Style = 'overlay' | 'file' | 'branch' | 'tag' | 'pull-request' | 'revert';

/** One end of a promotion, as the ledger keeps it. Plain JSON. */
export interface End {
  readonly application: string;
  readonly namespace: string;
  readonly cluster: string;
  /** Which cluster that is; left out where it did not say so, and in what was kept before it was asked. */
  readonly clusterUid?: string | undefined;
  readonly environment: string;
}

/** What a change carries, and what was made of it so far. Plain JSON. */
export interface ChangeDetail {
  readonly family: string;
  /** Of a rollback: undefined. */
  readonly from: End | undefined;
  readonly to: End;
  readonly release: FoundRelease;
  /** What was there before. */
  readonly replaced: FoundRelease | undefined;
  readonly style: Style;
  readonly branch: string;
  /** Reason for going on although a gate is not open. */
  readonly override: string | undefined;
  /** Somebody has asked for an older release on purpose. */
  readonly older: boolean;
  readonly auto: boolean;
  /** Gates as they stood when they were looked at last. */
  readonly gates: readonly Gate[];
  /** Lines of the rendered difference. */
  readonly changes: readonly string[];
  readonly commit: string | undefined;
  readonly delivery: string | undefined;
  readonly pullRequest: string | undefined;
  /** Of a rollback: holds that it has put. */
  readonly holds: readonly string[];
}

export function detailJson(detail: ChangeDetail): JsonObject {
  return JSON.parse(JSON.stringify(detail)) as JsonObject;
}

function endFrom(json: JsonValue | undefined): End | undefined {
  const text = (field: string) => getString(json, field) ?? '';
  if (!isJsonObject(json)) return undefined;
  return {
    application: text('application'),
    namespace: text('namespace'),
    cluster: text('cluster'),
    clusterUid: getString(json, 'clusterUid'),
    environment: text('environment'),
  };
}

function texts(json: JsonValue | undefined, field: string): readonly string[] {
  return getArray(json, field).filter((item): item is string => typeof item === 'string');
}

const NOTHING: FoundRelease = {
  revision: undefined,
  version: undefined,
  commit: undefined,
  digest: undefined,
  tag: undefined,
  images: [],
};

/** A change as the ledger kept it: it was ours when it was written. */
export function detailOf({ detail, cluster, namespace, application }: Change): ChangeDetail {
  const gates = getArray(detail, 'gates').filter(isJsonObject) as unknown as readonly Gate[];
  return {
    family: getString(detail, 'family') ?? application,
    from: endFrom(detail['from']),
    to: endFrom(detail['to']) ?? { application, namespace, cluster, environment: '' },
    release: releaseFrom(detail['release']) ?? NOTHING,
    replaced: releaseFrom(detail['replaced']),
    style: (getString(detail, 'style') ?? 'overlay') as Style,
    branch: getString(detail, 'branch') ?? '',
    override: getString(detail, 'override'),
    older: getIn(detail, 'older') === true,
    auto: getIn(detail, 'auto') === true,
    gates,
    changes: texts(detail, 'changes'),
    commit: getString(detail, 'commit'),
    delivery: getString(detail, 'delivery'),
    pullRequest: getString(detail, 'pullRequest'),
    holds: texts(detail, 'holds'),
  };
}
