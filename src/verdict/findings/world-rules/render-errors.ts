import type { WorldRule } from './rule.ts';
import { complained, draftsOf } from './told.ts';
import type { Row } from './told.ts';

/** Kinds that Kubernetes itself served once under versions that are gone. Source: the deprecation guide. */
const GONE =
  /^(?:extensions\/v1beta1|apps\/v1beta[12]|batch\/v1beta1|networking\.k8s\.io\/v1beta1|policy\/v1beta1|autoscaling\/v2beta[12]|rbac\.authorization\.k8s\.io\/v1(?:alpha|beta)1|apiextensions\.k8s\.io\/v1beta1|admissionregistration\.k8s\.io\/v1beta1|flowcontrol\.apiserver\.k8s\.io\/v1(?:alpha|beta)\d|discovery\.k8s\.io\/v1beta1|coordination\.k8s\.io\/v1beta1|storage\.k8s\.io\/v1beta1|certificates\.k8s\.io\/v1beta1|scheduling\.k8s\.io\/v1(?:alpha|beta)1|events\.k8s\.io\/v1beta1|node\.k8s\.io\/v1beta1)$/;

const NO_MATCH =
  /no matches for kind "(?<kind>[^"]+)" in (?:version|group) "(?<version>[^"]+)"|could not find version "(?<argoVersion>[^"]+)" of (?<argoGroup>[^/\s]+)\/(?<argoKind>\w+)|The Kubernetes API could not find (?:version "(?<av>[^"]+)" of )?(?<ag>[\w.-]+)\/(?<ak>\w+)|unable to build kubernetes objects from (?:current )?release manifest.*?kind "(?<helmKind>[^"]+)" in version "(?<helmVersion>[^"]+)"/s;

/** True where a sentence complains of a version that was removed, not of a kind that is not installed. */
function isGone(text: string): boolean {
  const g = NO_MATCH.exec(text)?.groups;
  const version =
    g?.['version'] ??
    g?.['helmVersion'] ??
    `${g?.['argoGroup'] ?? g?.['ag'] ?? ''}/${g?.['argoVersion'] ?? g?.['av'] ?? ''}`;
  return GONE.test(version);
}

const kindOf = (g: Readonly<Record<string, string | undefined>>) =>
  g['kind'] ?? g['argoKind'] ?? g['ak'] ?? g['helmKind'] ?? 'a kind';
const versionOf = (g: Readonly<Record<string, string | undefined>>) =>
  g['version'] ??
  g['helmVersion'] ??
  [g['argoGroup'] ?? g['ag'], g['argoVersion'] ?? g['av']].filter(Boolean).join('/');

const removed: Row = {
  failure: 'REN-05',
  id: 'api-version-removed',
  boundary: 'render',
  pattern: NO_MATCH,
  title: (g) => `${versionOf(g)} ${kindOf(g)} is no longer served by this cluster`,
  confidence: 0.95,
  why: 'The manifest names a version of the API that this version of Kubernetes has removed. The kind lives on under another version.',
  misleading: [['it works in the other cluster', 'that one is older']],
  now: (g) => [
    'Move the manifest to a version that is served. For a release that Helm stored, use the mapkubeapis plugin.',
    `kubectl api-resources | grep -w ${kindOf(g)}`,
  ],
  lasting:
    'Check the manifests against every version of Kubernetes that they go to, before a cluster is upgraded (landfall check).',
  verify: (g) => [`kubectl explain ${kindOf(g).toLowerCase()}`, 'kubectl apply --dry-run=server -f MANIFEST'],
  can: 'commit',
};

const notInstalled: Row = {
  failure: 'REC-07',
  id: 'kind-not-installed',
  boundary: 'sync',
  pattern: NO_MATCH,
  title: (g) =>
    `the cluster does not know the kind ${kindOf(g)}${versionOf(g) === '' ? '' : ` (${versionOf(g)})`}`,
  confidence: 0.94,
  why: 'Its CustomResourceDefinition is not installed, not yet established, or serves another version.',
  misleading: [
    ['it succeeds at the second attempt', 'on a fresh cluster it may never: the order is missing'],
  ],
  now: (g) => [
    'Install the definition first and wait until it is Established, then sync again.',
    `kubectl get crd | grep -i ${kindOf(g)}`,
  ],
  lasting:
    'Put the definitions into an earlier wave or unit (sync-wave, dependsOn) and wait for Established.',
  verify: (g) => [
    `kubectl wait --for=condition=Established crd/$(kubectl get crd -o name | grep -i ${kindOf(g)} | cut -d/ -f2)`,
  ],
  can: 'sync',
};

const ROWS: readonly Row[] = [
  {
    failure: 'REN-10',
    id: 'secret-not-decrypted',
    boundary: 'render',
    pattern:
      /no key could decrypt|cannot (?:decrypt|get sops data key)|Error getting data key|failed to decrypt|SecretSyncedError|could not get secret data from provider|no identity matched any of the recipients/i,
    title: (_g, { who }) => `${who}: a secret cannot be decrypted or made`,
    confidence: 0.95,
    why: 'It was encrypted for another key, cluster or scope, or the source of the secret does not answer.',
    misleading: [['what runs is healthy', 'it keeps the Secret of before; only new pods will fail']],
    now: (_g, n) => [
      'Encrypt it again for the key of this cluster and scope, or bring the key back.',
      `kubectl get externalsecrets,sealedsecrets${n} 2>/dev/null`,
    ],
    lasting:
      'Check in CI that every secret has the recipient of its cluster, and watch the conditions of secret objects.',
    verify: (_g, n) => [`kubectl get secret${n}`],
    can: 'commit',
  },
  {
    failure: 'REN-04',
    id: 'unknown-field',
    boundary: 'render',
    pattern:
      /unknown field "(?<field>[^"]+)"|(?<strict>strict decoding error)|ValidationError\((?<where>[^)]+)\): (?:unknown field|invalid type)|\.(?<typed>[\w.[\]"]+): field not declared in schema/,
    title: (g) =>
      `the manifests name ${g['field'] ?? g['typed'] ?? g['where'] ?? 'a field'}, which the API does not have`,
    confidence: 0.94,
    why: 'A misspelt or misplaced field is refused by strict validation, or dropped with a warning: then the setting simply is not there.',
    misleading: [['the apply succeeded', 'with a warning, and without the field']],
    now: (g) => [
      'Correct the name or the indentation of the field in Git.',
      `kubectl explain ${(g['field'] ?? 'deployment.spec').replace(/\[\d+\]/g, '')}`.replace(
        'explain spec',
        'explain deployment.spec',
      ),
    ],
    lasting: 'Validate rendered manifests strictly in CI, custom kinds too (landfall check --cluster).',
    verify: () => ['kubectl apply --dry-run=server --validate=strict -f MANIFEST'],
    can: 'commit',
  },
  {
    failure: 'REN-07',
    id: 'patch-misses-container',
    boundary: 'render',
    pattern: /spec\.template\.spec\.(?:init)?[cC]ontainers\[(?<index>\d+)\]\.(?:image|name): Required value/,
    title: (g) =>
      `container ${g['index'] ?? ''} has no image: a patch names a container that the base does not have`,
    confidence: 0.9,
    why: 'A strategic merge patch finds its container by name. A name that is not there is not an error: it adds a container that has only the patched fields.',
    misleading: [['kustomize build exits 0', 'it cannot know what was meant']],
    now: () => [
      'Write the name of the container in the patch as the base has it.',
      'landfall render DIR --why spec.template.spec.containers',
    ],
    lasting:
      'Check that patches change what they name: the same containers before and after (landfall check).',
    verify: () => ['landfall render DIR | kubectl apply --dry-run=server -f -'],
    can: 'commit',
  },
  {
    failure: 'REN-02',
    id: 'render-failed',
    boundary: 'render',
    pattern:
      /(?:^|: )BuildFailed|kustomize build failed|failed to (?:generate|render) manifests?|Manifest generation error|error (?:calling|executing) |execution error at \(|template: \S+:\d+|accumulating (?:resources|components)|no matches for Id|YAML parse error|error converting YAML|failed to load target state|helm template .* failed|unable to find one of 'kustomization\.yaml'|(?:^|: )ArtifactFailed|values don't meet the specifications|chart .* not found|invalid chart reference|no '[^']+' chart with version/i,
    title: (_g, { who }) => `${who}: the manifests cannot be rendered, so nothing new was applied`,
    confidence: 0.93,
    why: 'The engine stops before it compares or applies anything; what runs is the last revision that could be rendered.',
    misleading: [['Healthy', 'of the revision before: nothing of this one has reached the cluster']],
    now: () => [
      'Render this very revision here and go to the line that it names; go back to the commit before if it takes long.',
      'landfall render DIR',
    ],
    lasting: 'Render every environment in CI with the versions that the engine uses.',
    verify: () => ['landfall render DIR', 'kubectl get applications,kustomizations -A'],
    can: 'commit',
  },
];

/** REN-02, REN-04, REN-05, REN-07, REN-10, REC-07: the manifests themselves. Wording: kustomize, Helm, Argo CD, Flux. */
export const renderErrorsRule: WorldRule = (view) => {
  const sentences = complained(view);
  const kinds = sentences.filter(({ text }) => NO_MATCH.test(text));
  const others = sentences.filter(({ text }) => !NO_MATCH.test(text));
  return [
    ...draftsOf(
      [removed],
      kinds.filter(({ text }) => isGone(text)),
    ),
    ...draftsOf(
      [notInstalled],
      kinds.filter(({ text }) => !isGone(text)),
    ),
    ...draftsOf(ROWS, others),
  ];
};
