import type { TextLine } from '../block.ts';

/** Keys of a mapping, `*` for names that people choose. What is missing here is taken as part of what is open. */
const KEYS: Readonly<Record<string, string>> = {
  '': 'apiVersion kind metadata spec data stringData binaryData status type immutable rules roleRef subjects webhooks provisioner parameters items resources bases components images patches patchesStrategicMerge configMapGenerator secretGenerator namePrefix nameSuffix commonLabels replicas replacements namespace generatorOptions groups',
  metadata:
    'name namespace labels annotations generation creationTimestamp uid resourceVersion ownerReferences finalizers deletionTimestamp',
  spec: 'replicas selector template strategy updateStrategy containers initContainers volumes type ports clusterIP externalName rules tls ingressClassName defaultBackend scaleTargetRef minReplicas maxReplicas metrics source sources destination syncPolicy project nodeSelector tolerations affinity serviceAccountName restartPolicy schedule suspend jobTemplate backoffLimit completions parallelism hard minAvailable maxUnavailable podSelector policyTypes ingress egress storageClassName accessModes resources interval path prune sourceRef url ref chart values securityContext imagePullSecrets terminationGracePeriodSeconds revisionHistoryLimit progressDeadlineSeconds minReadySeconds paused serviceName volumeClaimTemplates concurrencyPolicy hostNetwork dnsPolicy priorityClassName topologySpreadConstraints externalTrafficPolicy sessionAffinity loadBalancerIP workloadRef activeDeadlineSeconds ttlSecondsAfterFinished parentRefs hostnames gatewayClassName listeners limits analysis trafficRouting steps behavior',
  status:
    'phase conditions containerStatuses initContainerStatuses replicas readyReplicas updatedReplicas availableReplicas unavailableReplicas observedGeneration loadBalancer podIP hostIP startTime qosClass reason message sync health operationState artifact lastAppliedRevision lastAttemptedRevision currentRevision updateRevision desiredNumberScheduled currentNumberScheduled updatedNumberScheduled numberReady numberAvailable succeeded failed active metricResults parents hard used abort',
  state: 'waiting running terminated',
  lastState: 'waiting running terminated',
  waiting: 'reason message',
  running: 'startedAt',
  terminated: 'exitCode reason message startedAt finishedAt containerID',
  sync: 'status revision comparedTo',
  health: 'status message',
  operationState: 'phase message syncResult operation finishedAt startedAt retryCount',
  template: 'metadata spec',
  jobTemplate: 'metadata spec',
  selector: 'matchLabels matchExpressions *',
  podSelector: 'matchLabels matchExpressions',
  strategy: 'type rollingUpdate canary blueGreen',
  updateStrategy: 'type rollingUpdate',
  parentRef: 'group kind namespace name sectionName port',
  rollingUpdate: 'maxSurge maxUnavailable partition',
  resources: 'limits requests claims',
  livenessProbe: 'PROBE',
  readinessProbe: 'PROBE',
  startupProbe: 'PROBE',
  httpGet: 'path port scheme host httpHeaders',
  tcpSocket: 'port host',
  valueFrom: 'configMapKeyRef secretKeyRef fieldRef resourceFieldRef',
  configMapKeyRef: 'name key optional',
  secretKeyRef: 'name key optional',
  fieldRef: 'fieldPath apiVersion',
  configMapRef: 'name optional',
  secretRef: 'name optional',
  configMap: 'name items optional defaultMode',
  secret: 'secretName items optional defaultMode',
  persistentVolumeClaim: 'claimName readOnly',
  scaleTargetRef: 'apiVersion kind name',
  source: 'repoURL path targetRevision chart helm kustomize directory ref',
  destination: 'server namespace name',
  syncPolicy: 'automated syncOptions retry',
  automated: 'prune selfHeal allowEmpty',
  backend: 'service resource serviceName servicePort',
  service: 'name port',
  port: 'number name',
  http: 'paths',
  sourceRef: 'kind name namespace',
  roleRef: 'apiGroup kind name',
  target: 'kind name namespace group version type averageUtilization averageValue value',
  resource: 'name target',
};

const PROBE =
  'httpGet tcpSocket exec grpc initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold';

/** Keys of the items of a list; an empty text for lists of plain values. */
const ITEMS: Readonly<Record<string, string>> = {
  containers:
    'name image imagePullPolicy ports env envFrom resources livenessProbe readinessProbe startupProbe volumeMounts command args securityContext workingDir lifecycle terminationMessagePath',
  conditions: 'type status reason message lastTransitionTime lastProbeTime lastUpdateTime observedGeneration',
  containerStatuses: 'name image imageID ready restartCount started state lastState containerID',
  parents: 'controllerName parentRef conditions',
  parentRefs: 'group kind namespace name sectionName port',
  metricResults: 'name phase count successful failed error consecutiveError measurements',
  env: 'name value valueFrom',
  envFrom: 'configMapRef secretRef prefix',
  ports: 'name port targetPort containerPort protocol nodePort hostPort appProtocol',
  volumeMounts: 'name mountPath subPath readOnly',
  volumes: 'name configMap secret emptyDir persistentVolumeClaim hostPath projected nfs csi',
  images: 'name newName newTag digest',
  rules:
    'host http apiGroups resources verbs resourceNames alert expr for labels annotations matches backendRefs filters',
  paths: 'path pathType backend',
  tls: 'hosts secretName',
  tolerations: 'key operator value effect tolerationSeconds',
  configMapGenerator: 'name literals files envs behavior',
  secretGenerator: 'name literals files envs behavior',
  patches: 'path patch target',
  metrics: 'type resource pods object external',
  subjects: 'kind name namespace apiGroup',
  imagePullSecrets: 'name',
  limits: 'type max min default defaultRequest',
  ownerReferences: 'apiVersion kind name uid controller',
};
const ITEMS_OF: Readonly<Record<string, string>> = {
  initContainers: 'containers',
  initContainerStatuses: 'containerStatuses',
};
/** Mappings whose keys people choose. */
const FREE = new Set([
  'labels',
  'annotations',
  'matchLabels',
  'data',
  'stringData',
  'nodeSelector',
  'limits',
  'requests',
  'hard',
  'commonLabels',
  'parameters',
  'values',
  'used',
]);

function keysOf(name: string): ReadonlySet<string> {
  const text = KEYS[name] ?? '';
  return new Set((text === 'PROBE' ? PROBE : text).split(' '));
}

function itemsOf(name: string): ReadonlySet<string> {
  return new Set((ITEMS[ITEMS_OF[name] ?? name] ?? '').split(' '));
}

/** Longer texts are nobody's paste of a manifest. */
const MOST_LINES = 5_000;

interface Frame {
  readonly name: string;
  readonly depth: number;
  readonly kind: 'map' | 'free' | 'list' | 'item';
  readonly keys: ReadonlySet<string>;
  entries: number;
}

const PAIR = /^(?<key>[A-Za-z_][\w./-]*|"[^"]+"):(?:\s+(?<value>.*))?$/;
const ITEM = /^- (?<rest>.*)$/;

function keyIn(text: string): string | undefined {
  return PAIR.exec(text)?.groups?.['key']?.replaceAll('"', '');
}

/** True for lines of an object none of which is indented, although one opens a mapping that the next one fills. */
function isFlat(lines: readonly TextLine[]): boolean {
  const texts = lines.map(({ text }) => text).filter((text) => text.trim() !== '' && !text.startsWith('#'));
  return (
    texts.length > 3 &&
    texts.every((text) => !/^\s/.test(text)) &&
    texts.some(
      (text, index) =>
        /^(?:metadata|spec|data|template|selector|labels|status):$/.test(text) &&
        PAIR.test(texts[index + 1] ?? ''),
    )
  );
}

/**
 * Text that lost its indentation on its way through a page or a mail, put back by what each key can stand in. Line for
 * line, so that citations hold; undefined where nothing is lost or the text is no object.
 */
export function withIndentation(lines: readonly TextLine[]): readonly TextLine[] | undefined {
  const end = lines.findIndex(
    ({ text }) => text.trim() !== '' && !/^(?:#|---|- |[A-Za-z_"][^\s]*:(?:\s|$))/.test(text),
  );
  const own = end < 0 ? lines : lines.slice(0, end);
  if (own.length > MOST_LINES || !isFlat(own)) return undefined;
  let stack: Frame[] = [];
  const root = (): Frame => ({ name: '', depth: 0, kind: 'map', keys: keysOf(''), entries: 0 });
  stack = [root()];
  const open = (key: string, depth: number, next: string) => {
    const isList = next.startsWith('- ');
    stack.push(
      isList
        ? { name: key, depth, kind: 'list', keys: itemsOf(key), entries: 0 }
        : { name: key, depth, kind: FREE.has(key) ? 'free' : 'map', keys: keysOf(key), entries: 0 },
    );
  };
  const restored = own.map((line, index): TextLine => {
    const text = line.text.trim();
    const next =
      own
        .slice(index + 1)
        .find((each) => each.text.trim() !== '')
        ?.text.trim() ?? '';
    if (text === '' || text.startsWith('#')) return line;
    if (text.startsWith('---')) {
      stack = [root()];
      return line;
    }
    const item = ITEM.exec(text)?.groups?.['rest'];
    if (item !== undefined) {
      // The keys of the whole item tell the list; up to the next item or what no item of it has.
      const keys = [keyIn(item) ?? ''];
      for (const each of own.slice(index + 1)) {
        const key = keyIn(each.text.trim());
        if (key === undefined || keys.length > 3) break;
        keys.push(key);
      }
      const lists = stack.filter(({ kind }) => kind === 'list').toReversed();
      const fits = (frame: Frame, count: number) => keys.slice(0, count).every((key) => frame.keys.has(key));
      const list = lists.find((frame) => fits(frame, 2)) ?? lists.find((frame) => fits(frame, 1)) ?? lists[0];
      if (list === undefined) return line;
      stack = stack.slice(0, stack.indexOf(list) + 1);
      list.entries += 1;
      const depth = list.depth;
      stack.push({ name: list.name, depth: depth + 1, kind: 'item', keys: list.keys, entries: 1 });
      const key = keyIn(item);
      if (key !== undefined && PAIR.exec(item)?.groups?.['value'] === undefined && PAIR.test(item))
        open(key, depth + 2, next);
      return { ...line, text: `${'  '.repeat(depth)}${text}` };
    }
    const key = keyIn(text);
    if (key === undefined) return line;
    const takes = (frame: Frame) =>
      frame.kind !== 'list' && (frame.keys.has(key) || (frame.kind === 'free' && frame.entries === 0));
    const known = stack.toReversed().find(takes);
    // A name that nobody knows belongs to the innermost mapping of chosen names, else to what is open.
    const free = stack.toReversed().find((frame) => frame.kind === 'free' || frame.keys.has('*'));
    const top = stack.toReversed().find(({ kind }) => kind !== 'list');
    const at = known ?? free ?? top;
    if (at === undefined) return line;
    stack = stack.slice(0, stack.indexOf(at) + 1);
    at.entries += 1;
    if (PAIR.exec(text)?.groups?.['value'] === undefined) open(key, at.depth + 1, next);
    return { ...line, text: `${'  '.repeat(at.depth)}${text}` };
  });
  return [...restored, ...lines.slice(own.length)];
}
