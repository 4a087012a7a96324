/** A command line taken apart as far as readers need it. */
export interface Command {
  readonly program: string;
  /** Words without flags and their values. */
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
  /** Everything behind the first pipe. */
  readonly piped: string;
}

/** Flags of kubectl, helm, argocd and flux that take no value. */
const BARE = new Set([
  'A',
  'all-namespaces',
  'w',
  'watch',
  'show-labels',
  'all-containers',
  'p',
  'previous',
  'f-follow',
  'server-side',
  'recursive',
  'R',
  'no-headers',
  'i',
  't',
  'it',
  'ti',
  's',
  'v-verbose',
  'all',
  'force',
  'dry-run',
  'refresh',
  'hard-refresh',
]);

/** Splits at blanks outside of quotes; a quote that is never closed takes the rest. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:[^\s'"]+|'[^']*'?|"(?:[^"\\]|\\.)*"?)+/g)) {
    words.push(
      match[0].replaceAll(
        /'([^']*)'?|"((?:[^"\\]|\\.)*)"?/g,
        (_all, single: string | undefined, double: string | undefined) => single ?? double ?? '',
      ),
    );
  }
  return words;
}

/** Where the first pipe outside of quotes is. */
function pipeIn(text: string): number {
  let quote = '';
  for (const [index, char] of [...text].entries()) {
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === "'" || char === '"') quote = char;
    else if (char === '|') return index;
  }
  return text.length;
}

export function parseCommand(text: string): Command {
  const pipe = pipeIn(text);
  const all = wordsOf(text.slice(0, pipe).replace(/^\s*(?:sudo\s+|\w+=\S+\s+)*/, ''));
  const [program = '', ...rest] = all;
  const words: string[] = [];
  const flags: Record<string, string> = {};
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? '';
    const flag = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(word);
    if (flag === null) {
      words.push(word);
      continue;
    }
    const [, name = '', value] = flag;
    const next = rest[at + 1];
    if (value !== undefined) flags[name] = value;
    else if (BARE.has(name) || next === undefined || /^-\D/.test(next)) flags[name] = 'true';
    else {
      flags[name] = next;
      at += 1;
    }
  }
  return { program: program.replace(/^.*\//, ''), words, flags, piped: text.slice(pipe + 1).trim() };
}

export function namespaceOf(command: Command): string | undefined {
  return command.flags['n'] ?? command.flags['namespace'];
}

export function outputOf(command: Command): string {
  return command.flags['o'] ?? command.flags['output'] ?? '';
}

/** Kubernetes' spelling of what people write: `deploy`, `deployments.apps`, `po`. */
const KINDS: Readonly<Record<string, string>> = {
  deploy: 'Deployment',
  deployment: 'Deployment',
  rs: 'ReplicaSet',
  replicaset: 'ReplicaSet',
  sts: 'StatefulSet',
  statefulset: 'StatefulSet',
  ds: 'DaemonSet',
  daemonset: 'DaemonSet',
  po: 'Pod',
  pod: 'Pod',
  svc: 'Service',
  service: 'Service',
  ep: 'Endpoints',
  endpoint: 'Endpoints',
  endpointslice: 'EndpointSlice',
  ing: 'Ingress',
  ingress: 'Ingress',
  cm: 'ConfigMap',
  configmap: 'ConfigMap',
  secret: 'Secret',
  sa: 'ServiceAccount',
  serviceaccount: 'ServiceAccount',
  ns: 'Namespace',
  namespace: 'Namespace',
  no: 'Node',
  node: 'Node',
  pvc: 'PersistentVolumeClaim',
  persistentvolumeclaim: 'PersistentVolumeClaim',
  pv: 'PersistentVolume',
  persistentvolume: 'PersistentVolume',
  hpa: 'HorizontalPodAutoscaler',
  horizontalpodautoscaler: 'HorizontalPodAutoscaler',
  pdb: 'PodDisruptionBudget',
  poddisruptionbudget: 'PodDisruptionBudget',
  quota: 'ResourceQuota',
  resourcequota: 'ResourceQuota',
  limits: 'LimitRange',
  limitrange: 'LimitRange',
  job: 'Job',
  cj: 'CronJob',
  cronjob: 'CronJob',
  ev: 'Event',
  event: 'Event',
  netpol: 'NetworkPolicy',
  networkpolicy: 'NetworkPolicy',
  ingressclass: 'IngressClass',
  sc: 'StorageClass',
  storageclass: 'StorageClass',
  crd: 'CustomResourceDefinition',
  customresourcedefinition: 'CustomResourceDefinition',
  app: 'Application',
  application: 'Application',
  applicationset: 'ApplicationSet',
  appproject: 'AppProject',
  ks: 'Kustomization',
  kustomization: 'Kustomization',
  gitrepository: 'GitRepository',
  gitrepo: 'GitRepository',
  helmrelease: 'HelmRelease',
  hr: 'HelmRelease',
  helmrepository: 'HelmRepository',
  ocirepository: 'OCIRepository',
  imagepolicy: 'ImagePolicy',
  imagerepository: 'ImageRepository',
  imageupdateautomation: 'ImageUpdateAutomation',
  rollout: 'Rollout',
  ro: 'Rollout',
  analysisrun: 'AnalysisRun',
  ar: 'AnalysisRun',
  analysistemplate: 'AnalysisTemplate',
  httproute: 'HTTPRoute',
  gateway: 'Gateway',
  gtw: 'Gateway',
  virtualservice: 'VirtualService',
  vs: 'VirtualService',
  destinationrule: 'DestinationRule',
  certificate: 'Certificate',
  cert: 'Certificate',
  externalsecret: 'ExternalSecret',
  es: 'ExternalSecret',
  sealedsecret: 'SealedSecret',
  scaledobject: 'ScaledObject',
  so: 'ScaledObject',
  canary: 'Canary',
  lease: 'Lease',
  role: 'Role',
  rolebinding: 'RoleBinding',
  clusterrole: 'ClusterRole',
  clusterrolebinding: 'ClusterRoleBinding',
  validatingwebhookconfiguration: 'ValidatingWebhookConfiguration',
  mutatingwebhookconfiguration: 'MutatingWebhookConfiguration',
  priorityclass: 'PriorityClass',
  pc: 'PriorityClass',
};

/** `Deployment` for `deploy`, `deployments.apps` and `Deployment`; undefined for a word that is no kind. */
export function kindOf(word: string): string | undefined {
  const base = word.toLowerCase().replace(/\..*$/, '');
  return (
    KINDS[base] ??
    KINDS[base.replace(/ies$/, 'y')] ??
    KINDS[base.replace(/(?<=ss|x|ch)es$/, '')] ??
    KINDS[base.replace(/s$/, '')]
  );
}

/** The kinds that `kubectl get X,Y` or `describe X/NAME` is about, and the names that it asks for. */
export function askedObjects(command: Command): {
  readonly kinds: readonly string[];
  readonly names: readonly string[];
} {
  const [, what = '', ...names] = command.words;
  const kinds: string[] = [];
  const found: string[] = [...names.filter((name) => !name.includes('/'))];
  for (const word of [what, ...names]) {
    if (word.includes('/')) {
      const [kind = '', name = ''] = word.split('/');
      const known = kindOf(kind);
      if (known !== undefined) kinds.push(known);
      if (name !== '') found.push(name);
    } else if (word === what) {
      for (const each of word.split(',')) {
        const known = kindOf(each);
        if (known !== undefined) kinds.push(known);
      }
    }
  }
  return { kinds: [...new Set(kinds)], names: found };
}
