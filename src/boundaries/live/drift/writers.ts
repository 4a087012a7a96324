import type { FieldWriter } from '../managers.ts';

/**
 * What kind of writer a field manager is. `person` includes scripts that call a person's tool: from the managed fields
 * they cannot be told apart.
 */
export type WriterKind =
  | 'person'
  | 'autoscaler'
  | 'admission'
  | 'rotation'
  | 'delivery'
  | 'controller'
  | 'unknown';

export interface KnownWriter extends FieldWriter {
  readonly kind: WriterKind;
}

type Pattern = readonly [kind: WriterKind, pattern: RegExp];

/**
 * Names as the programs give them: kubectl by its command (`kubectl-edit`, `kubectl-client-side-apply`), others by the
 * first word of their user agent. First match counts. Sources: kubectl's `--field-manager` defaults, the user agents of
 * the projects, and what the API server makes of a user agent (the part before the first slash).
 */
const PATTERNS: readonly Pattern[] = [
  [
    'delivery',
    /^(?:landfall|argocd|gitops-engine|kustomize-controller|helm-controller|flux|helm$|kapp|nelm|werf|terraform|hashicorp|pulumi|spinnaker|fleet)/i,
  ],
  [
    'autoscaler',
    /^(?:horizontal-pod-autoscaler|keda|vpa-|cluster-proportional-autoscaler|cluster-autoscaler|goldilocks)/,
  ],
  [
    'admission',
    /^(?:istio|linkerd|kyverno|gatekeeper|opa-|kube-mgmt|(?!cert-manager-).*-(?:webhook|injector)$)/,
  ],
  [
    'rotation',
    /^(?:external-?secrets|sealed-secrets|secrets-store|vault-|cert-manager|cainjector|reloader|bank-vaults)/i,
  ],
  [
    'person',
    /^(?:kubectl|oc$|oc-|k9s|Lens|OpenLens|freelens|node-fetch|Mozilla|dashboard|headlamp|rancher|octant|curl|python-requests|PostmanRuntime)/i,
  ],
  ['controller', /(?:controller|operator|manager|scheduler|kubelet)/],
];

/**
 * Who wrote a field. The scale subresource tells an autoscaler from a person: the HorizontalPodAutoscaler controller
 * writes there as kube-controller-manager, `kubectl scale` as kubectl.
 */
export function knownWriter(writer: FieldWriter): KnownWriter {
  const { manager, subresource } = writer;
  if (subresource === 'scale' && /controller-manager|autoscaler|keda/.test(manager)) {
    return { ...writer, kind: 'autoscaler' };
  }
  const found = PATTERNS.find(([, pattern]) => pattern.test(manager));
  return { ...writer, kind: found?.[0] ?? 'unknown' };
}

const WORDS: Readonly<Record<WriterKind, string>> = {
  person: 'a person, or a script of one',
  autoscaler: 'an autoscaler',
  admission: 'an admission webhook',
  rotation: 'a controller that rotates secrets',
  delivery: 'a delivery controller',
  controller: 'a controller',
  unknown: 'a writer that is not known',
};

/** `a person, or a script of one`, for sentences. */
export function writerWords(kind: WriterKind): string {
  return WORDS[kind];
}
