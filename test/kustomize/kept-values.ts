/** A tree and what it gives. */
export interface KeptCase {
  readonly files: Readonly<Record<string, string>>;
  readonly yaml: string;
}

/** What the original does with values that nobody would guess, each with what kubectl kustomize 5.5.0 prints. */
export const keptValues: readonly (readonly [string, KeptCase])[] = [
  [
    'a label that was added to several fields is one value: a patch of one changes all',
    {
      files: {
        'base/kustomization.yaml': `commonLabels: {app: x}
resources: [d.yaml]
`,
        'base/d.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: app
        image: nginx
`,
        'kustomization.yaml': `resources: [base]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {metadata: {labels: {app: z}}}}
`,
      },
      yaml: `apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: z
  name: web
spec:
  selector:
    matchLabels:
      app: z
  template:
    metadata:
      labels:
        app: z
    spec:
      containers:
      - image: nginx
        name: app
`,
    },
  ],
  [
    'in a patch for selected objects a null label becomes a text',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
patches:
- target: {kind: ConfigMap}
  patch: "{kind: ConfigMap, metadata: {name: z, labels: {a: null, b: 2}}}"
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  labels: {a: "1", c: "3"}
`,
      },
      yaml: `apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    a: "null"
    b: "2"
    c: "3"
  name: a
`,
    },
  ],
  [
    'a JSON patch replaces a field that is not there',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
patches:
- target: {kind: ConfigMap}
  patch: "- {op: replace, path: /data, value: {k: v}}"
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
`,
      },
      yaml: `apiVersion: v1
data:
  k: v
kind: ConfigMap
metadata:
  name: a
`,
    },
  ],
  [
    'a null of a new list item is left out, a null that was there stays',
    {
      files: {
        'kustomization.yaml': `resources: [d.yaml]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{name: new, args: null}]}}}
`,
        'd.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: app
        image: nginx
        args: null
`,
      },
      yaml: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: new
      - args: null
        image: nginx
        name: app
`,
    },
  ],
  [
    'items of a patch come first',
    {
      files: {
        'kustomization.yaml': `resources: [d.yaml]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{name: new, image: x}, {name: app, image: y}]}}}
`,
        'd.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: app
        image: nginx
`,
      },
      yaml: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - image: x
        name: new
      - image: "y"
        name: app
`,
    },
  ],
  [
    'folded lines get an empty line in front of an indented one',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  k: >
    x
      y
    z
`,
      },
      yaml: `apiVersion: v1
data:
  k: |
    x

      y
    z
kind: ConfigMap
metadata:
  name: a
`,
    },
  ],
  [
    'empty values and times inside of brackets are texts',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data: {e: , t: 2020-01-01 10:00:00, d: 2020-01-01}
`,
      },
      yaml: `apiVersion: v1
data:
  d: "2020-01-01T00:00:00Z"
  e: ""
  t: "2020-01-01 10:00:00"
kind: ConfigMap
metadata:
  name: a
`,
    },
  ],
  [
    'a narrower field of a configuration replaces the default for all kinds',
    {
      files: {
        'kustomization.yaml': `namePrefix: p-
resources: [a.yaml]
configurations: [c.yaml]
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
`,
        'c.yaml': `namePrefix:
- {path: metadata/name, kind: Foo}
`,
      },
      yaml: `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
`,
    },
  ],
  [
    'quotes decide what a later patch makes of a number',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
patches:
- patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: 3, l: 3}}"
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  k: "1"
  l: one
`,
      },
      yaml: `apiVersion: v1
data:
  k: "3"
  l: 3
kind: ConfigMap
metadata:
  name: a
`,
    },
  ],
  [
    'items of a list of one kind are texts in quotes',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
patches:
- patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: 3}}"
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMapList
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: a}
  data: {k: v}
`,
      },
      yaml: `apiVersion: v1
data:
  k: "3"
kind: ConfigMap
metadata:
  name: a
`,
    },
  ],
  [
    'numbers go through JSON, words of YAML 1.1 are quoted, long lines are folded',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
n: [010, 1.10, 123456789.123, 1e3, 0o17, 12345678901234567890]
w: ["yes", "1_000", "12:30:45", =, "😀", " x"]
l: word word word word word word word word word word word word word word word word word word word word 
`,
      },
      yaml: `apiVersion: v1
kind: ConfigMap
l: word word word word word word word word word word word word word word word word
  word word word word
metadata:
  name: a
"n":
- 8
- 1.1
- 1.23456789123e+08
- 1000
- 15
- 12345678901234567890
w:
- "yes"
- "1_000"
- "12:30:45"
- =
- "\\U0001F600"
- ' x'
`,
    },
  ],
  [
    'the hash of a generated object does not depend on its name',
    {
      files: {
        'kustomization.yaml': `namePrefix: x-
configMapGenerator:
- name: a
  literals: [k=v]
- name: b
  literals: [k=v]
`,
      },
      yaml: `apiVersion: v1
data:
  k: v
kind: ConfigMap
metadata:
  name: x-a-bdg947hgcc
---
apiVersion: v1
data:
  k: v
kind: ConfigMap
metadata:
  name: x-b-bdg947hgcc
`,
    },
  ],
];
