import type { WorldRule } from './rule.ts';
import { complained, draftsOf } from './told.ts';
import type { Row } from './told.ts';

const ROWS: readonly Row[] = [
  {
    failure: 'REC-05',
    id: 'webhook-unavailable',
    boundary: 'sync',
    pattern:
      /failed calling webhook "(?<webhook>[^"]+)"(?:.*?(?:https?:\/\/)(?<service>[\w-]+)\.(?<namespace>[\w-]+)\.svc)?/s,
    title: (g) =>
      `the admission webhook ${g['webhook'] ?? ''} does not answer, so nothing that it guards can be written`,
    confidence: 0.97,
    why: 'The API server asks the webhook before it stores anything. With failurePolicy Fail, no answer means no.',
    misleading: [
      ['running pods are healthy', 'only what has to be created or changed has to pass the webhook'],
    ],
    now: (g) => [
      'Bring the pods behind the webhook back; until then leave out, by namespaceSelector, what must not wait for it.',
      `kubectl get endpointslices${g['namespace'] === undefined ? ' -A' : ` -n ${g['namespace']} -l kubernetes.io/service-name=${g['service'] ?? ''}`}`,
      'kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations',
    ],
    lasting:
      'Several replicas with a disruption budget, a short timeout, and a namespaceSelector that leaves out the namespace of the webhook itself and kube-system.',
    verify: (g) => [
      `kubectl get endpointslices${g['namespace'] === undefined ? ' -A' : ` -n ${g['namespace']}`}`,
      'kubectl create configmap webhook-check --dry-run=server',
    ],
    can: 'sync',
  },
  {
    failure: 'PIP-14',
    id: 'signature-rejected',
    boundary: 'artifact',
    pattern:
      /no (?:matching )?signatures?|signature (?:verification|validation) failed|image verif(?:ication|y) .*fail|failed to verify (?:image|signature)|unsigned image|no matching attestations|SignatureValidationFailed/i,
    title: () => 'the image is not signed as the policy of the cluster asks',
    confidence: 0.95,
    why: 'The policy checks the exact digest. What was not signed in the build that pushed it, or by another identity, is refused wherever the policy holds.',
    misleading: [['the same digest runs in staging', 'staging has no such policy']],
    now: () => [
      'Sign this very digest with the identity that the policy names; do not switch the policy off.',
      'cosign verify --certificate-identity IDENTITY --certificate-oidc-issuer ISSUER IMAGE@DIGEST',
    ],
    lasting: 'Sign in the job that pushes, and verify before the digest is committed to Git.',
    verify: () => [
      'cosign verify --certificate-identity IDENTITY --certificate-oidc-issuer ISSUER IMAGE@DIGEST',
    ],
  },
  {
    failure: 'LIV-01',
    id: 'quota-exceeded',
    boundary: 'sync',
    pattern:
      /(?<plural>(?!pods\b)[a-z][\w.]*) "(?<name>[^"]+)" is forbidden: exceeded quota: (?<quota>[^,]+), requested: (?<requested>[^,]+), used: (?<used>[^,]+), limited: (?<limited>[^\s"]+?)(?=\.?(?:[\s"]|$))/,
    title: (g) => `the quota ${g['quota'] ?? ''} leaves no room for ${g['plural'] ?? ''}/${g['name'] ?? ''}`,
    confidence: 0.97,
    why: 'A ResourceQuota counts objects too; the API server refuses the one that is too many and takes the others.',
    misleading: [['the other objects were applied', 'part of the release is new, part is missing']],
    now: (g, n) => [
      `Raise the quota, or take an object of that kind away. Requested ${g['requested'] ?? '?'}, used ${g['used'] ?? '?'} of ${g['limited'] ?? '?'}.`,
      `kubectl describe resourcequota ${g['quota'] ?? ''}${n}`,
    ],
    lasting: 'Try the whole set on the server before the first write (landfall apply does).',
    verify: (g, n) => [`kubectl describe resourcequota ${g['quota'] ?? ''}${n}`],
    can: 'commit',
  },
  {
    failure: 'REC-04',
    id: 'admission-denied',
    boundary: 'sync',
    pattern:
      /admission webhook "(?<policy>[^"]+)" denied the request|ValidatingAdmissionPolicy '(?<vap>[^']+)'.*denied request/,
    title: (g) => `the policy ${g['policy'] ?? g['vap'] ?? ''} refuses the object`,
    confidence: 0.96,
    why: 'The API server and the permission are fine; a rule of the cluster looked at the object and said no, with its reason.',
    misleading: [['the other objects of the commit were applied', 'part of the release is new, part is old']],
    now: (_g, n) => [
      'Change the manifest as the policy asks, in Git, or agree on an exception for this one object.',
      `kubectl apply${n} --dry-run=server -f MANIFEST`,
    ],
    lasting: 'Run the same policies on the rendered manifests in CI, on bare pods of the templates too.',
    verify: (_g, n) => [`kubectl apply${n} --dry-run=server -f MANIFEST`],
    can: 'commit',
  },
  {
    failure: 'REC-06',
    id: 'permission-missing',
    boundary: 'sync',
    pattern:
      /(?:forbidden: )?User "(?<user>[^"]+)" cannot (?<verb>\w+) resource "(?<resource>[^"]+)" in API group "(?<group>[^"]*)"(?: in the namespace "(?<namespace>[^"]+)")?/,
    title: (g) =>
      `${g['user'] ?? 'the delivery identity'} may not ${g['verb'] ?? 'write'} ${g['resource'] ?? ''}${g['namespace'] === undefined ? '' : ` in ${g['namespace']}`}`,
    confidence: 0.97,
    why: 'No Role that is bound to this identity there names the verb and the resource. Everything else of the commit may have been written.',
    misleading: [['kinds with a permission were updated', 'the release is applied in part']],
    now: (g) => [
      'Grant the verb to the identity in that namespace; applying with your own rights hides it until the next release.',
      `kubectl auth can-i ${g['verb'] ?? 'patch'} ${g['resource'] ?? ''}${g['group'] ? `.${g['group']}` : ''} --as ${g['user'] ?? 'USER'}${g['namespace'] === undefined ? '' : ` -n ${g['namespace']}`}`,
    ],
    lasting:
      'Ask for every right that the whole rendered set needs before the first write (landfall apply does).',
    verify: (g) => [
      `kubectl auth can-i ${g['verb'] ?? 'patch'} ${g['resource'] ?? ''}${g['group'] ? `.${g['group']}` : ''} --as ${g['user'] ?? 'USER'}${g['namespace'] === undefined ? '' : ` -n ${g['namespace']}`}`,
    ],
    can: 'sync',
  },
  {
    failure: 'REC-03',
    id: 'immutable-field',
    boundary: 'sync',
    pattern:
      /(?:The )?(?<kind>[A-Z]\w+)(?:\.\w+)* "(?<name>[^"]+)" is (?:invalid|forbidden): (?<field>[\w.[\]]+): (?:Invalid value: .*?)?(?:field is immutable|may not change once set|updates to statefulset spec for fields other than|spec is immutable after creation|Forbidden: (?:updates|spec is immutable))|(?<loose>field is immutable|updates to statefulset spec for fields other than|spec is immutable after creation)/s,
    title: (g, { who }) =>
      `${g['kind'] === undefined ? who : `${g['kind']}/${g['name'] ?? ''}`}: ${g['field'] ?? 'a field'} cannot be changed on what exists`,
    confidence: 0.96,
    why: 'The API server keeps some fields for the life of an object: selectors of Deployments, templates of Jobs, most of a StatefulSet, addresses of Services, most of a claim.',
    misleading: [
      ['other objects of the same commit were applied', 'part of the release is new, part is old'],
    ],
    now: (g, n) => [
      'Decide: give the object a new name, or delete and create it anew (with --cascade=orphan its pods go on).',
      g['kind'] === undefined
        ? `kubectl diff --server-side${n} -f MANIFEST`
        : `kubectl delete ${g['kind'].toLowerCase()} ${g['name'] ?? ''}${n} --cascade=orphan`,
    ],
    lasting:
      'Let a dry run against the cluster show it before the merge. Keep versions out of selectors, and let names of Jobs change with their content.',
    verify: (g, n) => [
      `kubectl apply${n} --dry-run=server -f MANIFEST`,
      ...(g['kind'] === undefined ? [] : [`kubectl get ${g['kind'].toLowerCase()} ${g['name'] ?? ''}${n}`]),
    ],
    can: 'commit',
  },
  {
    failure: 'REC-08',
    id: 'namespace-missing',
    boundary: 'sync',
    pattern:
      /namespaces? "(?<missing>[^"]+)" not found|unable to create new content in namespace (?<ending>\S+) because it is being terminated|(?<stuck>NamespaceDeletionContentFailure|NamespaceFinalizersRemaining)/,
    title: (g) =>
      g['missing'] !== undefined
        ? `the namespace ${g['missing']} does not exist`
        : `the namespace ${g['ending'] ?? ''} is being deleted`.replace('  ', ' '),
    confidence: 0.97,
    why: 'Nothing can be created in a namespace that is not there or on its way out.',
    misleading: [['kubectl get shows objects', 'those of a namespace that ends are on their way out']],
    now: (g) => [
      g['missing'] === undefined
        ? 'See which finalizers hold the namespace, and mend whoever has to remove them.'
        : 'Create the namespace, in Git and before everything in it (CreateNamespace=true, or a Namespace object).',
      `kubectl get namespace ${g['missing'] ?? g['ending'] ?? 'NAMESPACE'} -o yaml`,
    ],
    lasting: 'Keep the namespace in the same unit of delivery, and guard it against deletion.',
    verify: (g) => [`kubectl get namespace ${g['missing'] ?? g['ending'] ?? 'NAMESPACE'}`],
    can: 'commit',
  },
  {
    failure: 'REC-16',
    id: 'object-too-large',
    boundary: 'sync',
    pattern:
      /metadata\.annotations: Too long|must have at most 262144 bytes|request entity too large|(?:Request entity|etcdserver: request is) too large|data: Too long: must have at most 1048576/i,
    title: (_g, { who }) => `${who}: an object is larger than the API server takes`,
    confidence: 0.97,
    why: 'Client-side apply keeps a copy of the object in an annotation (at most 262144 bytes); a ConfigMap or Secret holds 1 MiB, a request about 3 MiB.',
    misleading: [['everything else was applied', 'only the large one is old']],
    now: () => [
      'Use server-side apply, which keeps no copy, or split the object.',
      'kubectl apply --server-side -f MANIFEST',
    ],
    lasting: 'Server-side apply everywhere (Argo CD: ServerSideApply=true), and a check of sizes in CI.',
    verify: () => ['kubectl apply --server-side --dry-run=server -f MANIFEST'],
    can: 'sync',
  },
  {
    failure: 'REC-11',
    id: 'helm-pending',
    boundary: 'sync',
    pattern:
      /another operation \(install\/upgrade\/rollback\) is in progress|\bpending-(?:install|upgrade|rollback)\b/,
    title: (_g, { who }) => `${who}: the Helm release is stuck in an operation that nobody finishes`,
    confidence: 0.95,
    why: 'Helm writes "pending" before it works. A client that was killed, by a cancelled job for one, leaves it there, and every later operation waits for it.',
    misleading: [['the revision before still serves and is healthy', 'it is not the one that was asked for']],
    now: (_g, n) => [
      'Make sure that no Helm client runs, then go back to the last deployed revision.',
      `helm history RELEASE${n}`,
      `helm rollback RELEASE${n}`,
    ],
    lasting: 'Let one owner run Helm, and let cancelled jobs end it with a signal and time to finish.',
    verify: (_g, n) => [`helm status RELEASE${n}`],
  },
  {
    failure: 'REC-12',
    id: 'field-conflict',
    boundary: 'live',
    pattern: /Apply failed with (?<count>\d+) conflicts?: conflicts? with "(?<manager>[^"]+)"/,
    title: (g) => `${g['manager'] ?? 'another writer'} owns fields that Git wants to set`,
    confidence: 0.95,
    why: 'Server-side apply names an owner for each field; two writers with different values do not agree by themselves.',
    misleading: [['a forced apply succeeds', 'the other writer sets its value again']],
    now: (_g, n) => [
      'Decide who owns the fields: take them out of Git, or stop the other writer.',
      `kubectl get OBJECT${n} -o yaml --show-managed-fields`,
    ],
    lasting:
      'One owner for each field, and a look at generations after a release: what keeps changing has two.',
    verify: (_g, n) => [`kubectl get OBJECT${n} -o jsonpath='{.metadata.generation}'`],
  },
  {
    failure: 'LIV-10',
    id: 'deletion-stuck',
    boundary: 'live',
    pattern: /object is being deleted: (?<what>[^"]*"(?<name>[^"]+)" already exists)/,
    title: (g) => `${g['name'] ?? 'an object'} is still being deleted and cannot be created anew`,
    confidence: 0.95,
    why: 'A finalizer holds the object until its controller has done its part.',
    misleading: [['"already exists"', 'it does, and only until its finalizers are gone']],
    now: (g, n) => [
      'Find out whose finalizer it is and mend that controller; remove the finalizer only as the last resort.',
      `kubectl get OBJECT ${g['name'] ?? ''}${n} -o jsonpath='{.metadata.deletionTimestamp} {.metadata.finalizers}'`,
    ],
    lasting: 'An alert on the age of deletionTimestamp.',
    verify: (g, n) => [`kubectl get OBJECT ${g['name'] ?? ''}${n}`],
  },
  {
    failure: 'REN-04',
    id: 'object-invalid',
    boundary: 'sync',
    pattern:
      /(?:The )?(?<kind>[A-Z]\w+)(?:\.[\w.]+)? "(?<name>[^"]+)" is invalid: (?:\[?)(?!spec\.template\.spec\.(?:init)?[cC]ontainers\[\d+\]\.(?:image|name): Required)(?<field>[\w.[\]-]+): (?<what>Invalid value|Required value|Unsupported value|Duplicate value|Too many|Too long|Not found|Forbidden|Internal error)/,
    title: (g) =>
      `${g['kind'] ?? ''}/${g['name'] ?? ''}: the API server does not take ${g['field'] ?? 'a field'} (${(g['what'] ?? '').toLowerCase()})`,
    confidence: 0.92,
    why: 'The kind and the field exist; the value is not one that the API allows.',
    misleading: [['the other objects were applied', 'part of the release is new, part is missing']],
    now: (g) => [
      `Correct ${g['field'] ?? 'the field'} in Git.`,
      'kubectl apply --dry-run=server -f MANIFEST',
    ],
    lasting: 'A dry run on the server before the merge (landfall check, landfall apply).',
    verify: () => ['kubectl apply --dry-run=server -f MANIFEST'],
    can: 'commit',
  },
];

/** REC-03 to REC-08, REC-11, REC-12, REC-16, PIP-14: why an apply was refused. Wording: kube-apiserver, Helm. */
export const syncErrorsRule: WorldRule = (view) => draftsOf(ROWS, complained(view));
