/** Kustomization trees of a given size for the benchmark: a base of workloads, and an overlay that changes all. */
export function sizedTree(resources: number): Record<string, string> {
  const files: Record<string, string> = {};
  if (resources <= 1) {
    files['base/kustomization.yaml'] = 'resources: [map.yaml]\n';
    files['base/map.yaml'] =
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: "1"\n';
    files['overlay/kustomization.yaml'] = 'namePrefix: prod-\nresources: [../base]\n';
    return files;
  }
  const groups = Math.ceil(resources / 3);
  const perFile = 10;
  const names: string[] = [];
  for (let start = 0; start < groups; start += perFile) {
    const documents: string[] = [];
    for (let i = start; i < Math.min(groups, start + perFile); i++) documents.push(group(i));
    const name = `apps-${start / perFile}.yaml`;
    files[`base/${name}`] = documents.join('---\n');
    names.push(name);
  }
  files['base/kustomization.yaml'] = `resources:\n${names.map((name) => `- ${name}\n`).join('')}`;
  files['overlay/kustomization.yaml'] = [
    'namespace: prod',
    'namePrefix: prod-',
    'resources: [../base]',
    'labels:',
    '- pairs: {env: prod}',
    '  includeSelectors: true',
    'commonAnnotations: {team: shop}',
    'images:',
    '- name: registry.example.com/app',
    '  newTag: 1.2.3',
    'patches:',
    '- path: replicas.yaml',
    '- target: {kind: Deployment, name: app-1.*}',
    '  patch: |-',
    '    - op: add',
    '      path: /metadata/annotations/patched',
    '      value: "yes"',
    '',
  ].join('\n');
  files['overlay/replicas.yaml'] =
    'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-0\nspec:\n  replicas: 5\n';
  return files;
}

function group(index: number): string {
  const name = `app-${index}`;
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  annotations:
    note: example
  labels:
    app: ${name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
      - name: app
        image: registry.example.com/app:1.0
        ports:
        - containerPort: 8080
          name: http
        env:
        - name: MODE
          value: "on"
        - name: CONFIG
          valueFrom:
            configMapKeyRef:
              name: ${name}
              key: mode
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        readinessProbe:
          httpGet: {path: /healthz, port: http}
---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  selector:
    app: ${name}
  ports:
  - name: http
    port: 80
    targetPort: http
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
data:
  mode: fast
  settings.ini: |
    [main]
    level = info
    workers = 4
`;
}
