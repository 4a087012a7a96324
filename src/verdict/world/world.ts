import type { ClaimSource } from '../../boundaries/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';

/**
 * Everything that is known about a system, whoever told it: a live cluster with its Git and registry, or a folder of
 * pasted output. Rules read nothing else. Facts are kept in the shapes that the field knows (Kubernetes objects,
 * image digests, commits), so that a rule is written once; what a source does not show is left out, and a rule must
 * never take an absent field for an empty one.
 */
export interface World {
  /** Objects as a cluster stores them, from JSON and YAML (whole) or tables and describe (what these show). */
  readonly live: readonly WorldObject[];
  /** Objects as Git asks for them: rendered, or plain manifests. */
  readonly desired: readonly WorldObject[];
  /** Kustomizations, values files, Dockerfiles, templates: sources that are no objects yet. */
  readonly files: readonly SourceFile[];
  readonly events: readonly EventFact[];
  readonly logs: readonly LogLine[];
  readonly samples: readonly MetricSample[];
  readonly builds: readonly BuildFact[];
  readonly commits: readonly CommitFact[];
  /** What registries, nodes and tools say that references are. */
  readonly digests: readonly DigestFact[];
  readonly engines: readonly EngineFact[];
  /** Answers of `auth can-i`, failed commands, HTTP probes: anything that was asked and what came back. */
  readonly answers: readonly AnswerFact[];
  /** What was looked for and could not be read, live: never taken for absent. */
  readonly unreadable: readonly { readonly what: string; readonly why: string }[];
  /** When the facts were gathered, ISO 8601; undefined where nobody can tell. */
  readonly at: string | undefined;
}

/** Where a fact stands, and how far it is the whole truth. */
export interface Cited {
  readonly source: ClaimSource;
}

export interface WorldObject {
  readonly apiVersion: string | undefined;
  /** In Kubernetes' spelling: `Deployment`, whatever the table called it. */
  readonly kind: string;
  /** Undefined where the source does not say, or where there is none. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** Kubernetes' own shape; only fields that the source shows. A table's READY 2/3 is status.readyReplicas 2, spec.replicas 3. */
  readonly value: JsonObject;
  /** True when the source shows the whole object: only then is an absent field absent. */
  readonly whole: boolean;
  /** How old it was when somebody looked, in ms, where a table shows an age and no time. */
  readonly ageMs?: number;
  /** Where a field is shown: its own line in YAML and JSON, the row of a table, the line of describe. */
  readonly cite: (path: readonly (string | number)[]) => ClaimSource;
}

export interface SourceFile extends Cited {
  readonly path: string;
  readonly kind:
    | 'kustomization'
    | 'helm-values'
    | 'helm-template'
    | 'dockerfile'
    | 'landfall'
    | 'ci'
    | 'other';
  /** Parsed where it is YAML or JSON. */
  readonly value: JsonValue | undefined;
  readonly text: string;
  readonly cite: (path: readonly (string | number)[]) => ClaimSource;
}

export interface EventFact extends Cited {
  readonly type: 'Normal' | 'Warning' | undefined;
  readonly reason: string;
  readonly message: string;
  /** `Pod/payments/api-7d4b9-x`; the namespace is left out where it is not shown. */
  readonly object: string;
  readonly count: number | undefined;
  /** ISO 8601; undefined where only an age is shown. */
  readonly lastSeen: string | undefined;
  /** `3m12s` as shown, in ms before the look. */
  readonly ageMs: number | undefined;
}

export interface LogLine extends Cited {
  /** Container, pod, program or whatever the line names as its source. */
  readonly component: string | undefined;
  readonly time: string | undefined;
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'fatal' | undefined;
  readonly message: string;
  /** Fields of JSON, logfmt and klog lines. */
  readonly fields: Readonly<Record<string, string>>;
  /** From `logs --previous`. */
  readonly previous: boolean;
}

export interface MetricSample extends Cited {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** The pod or URL that told it, where that is known. */
  readonly from: string | undefined;
}

export interface BuildFact extends Cited {
  /** `registry.corp.io/notification-service:latest` as pushed; undefined for a build that pushed nothing. */
  readonly image: string | undefined;
  /** May be shortened: `sha256:9c4d8e1a...f273`. */
  readonly digest: string | undefined;
  /** May be shortened. */
  readonly commit: string | undefined;
  readonly version: string | undefined;
  readonly ref: string | undefined;
  readonly time: string | undefined;
  readonly state: 'succeeded' | 'failed' | 'running' | 'waiting-for-approval' | 'cancelled' | undefined;
  readonly system: string | undefined;
}

export interface CommitFact extends Cited {
  /** May be shortened. */
  readonly commit: string;
  readonly subject: string | undefined;
  readonly author: string | undefined;
  readonly time: string | undefined;
  /** Branches and tags that point to it. */
  readonly refs: readonly string[];
  readonly repository: string | undefined;
  readonly files: readonly string[];
  /** Lines that it takes away and adds, from a diff. */
  readonly changes: readonly {
    readonly file: string;
    readonly removed: readonly string[];
    readonly added: readonly string[];
  }[];
}

export interface DigestFact extends Cited {
  readonly reference: string;
  readonly digest: string | undefined;
  readonly platforms: readonly string[];
  /** `OK`, `MANIFEST_UNKNOWN`, `UNAUTHORIZED`, `TOOMANYREQUESTS`, ... */
  readonly answer: string | undefined;
}

/** What a delivery engine says of one application: Argo CD, Flux, Helm, Argo Rollouts. */
export interface EngineFact extends Cited {
  readonly engine: 'Argo CD' | 'Flux' | 'Helm' | 'Argo Rollouts' | 'Landfall' | 'unknown';
  /** `comms-notification`, `flux-system/apps`. */
  readonly application: string;
  readonly kind: string | undefined;
  readonly sync: string | undefined;
  readonly health: string | undefined;
  readonly revision: string | undefined;
  readonly targetRevision: string | undefined;
  readonly repository: string | undefined;
  readonly path: string | undefined;
  readonly destination: string | undefined;
  /** Conditions, and the message of the last operation, in their own words. */
  readonly messages: readonly string[];
  readonly operation:
    | { readonly phase: string; readonly updated: number | undefined; readonly unchanged: number | undefined }
    | undefined;
  readonly suspended: boolean | undefined;
  readonly time: string | undefined;
}

export interface AnswerFact extends Cited {
  /** The command or request. */
  readonly asked: string;
  readonly answer: string;
  readonly ok: boolean | undefined;
}
