import { expect, test } from 'vitest';
import { memoryTree, render } from './index.ts';

interface Quirk {
  readonly files: Readonly<Record<string, string>>;
  readonly yaml: string;
}

/** What the original does that nobody would guess, each with what kubectl kustomize 5.5.0 prints for it. */
const quirks: readonly (readonly [string, Quirk])[] = [
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
  [
    'a patch in the kustomization loses the line break at its end, and so does a block of text there',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
patches:
- target: {kind: ConfigMap}
  patch: |

    - op: add
      path: /data/inline
      value: |
        a
        b
- target: {kind: ConfigMap}
  path: operations.yaml
- path: merge.yaml
patchesStrategicMerge:
- |
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: a}
  data:
    merged: |
      a
      b
patchesJson6902:
- target: {version: v1, kind: ConfigMap, name: a}
  patch: |
    - op: add
      path: /data/old
      value: |
        a
        b
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data: {k: v}
`,
        'operations.yaml': `- op: add
  path: /data/file
  value: |
    a
    b
`,
        'merge.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  mergeFile: |
    a
    b
`,
      },
      yaml: `apiVersion: v1
data:
  file: |
    a
    b
  inline: |-
    a
    b
  k: v
  mergeFile: |
    a
    b
  merged: |
    a
    b
  old: |
    a
    b
kind: ConfigMap
metadata:
  name: a
`,
    },
  ],
  [
    'of white space in the kustomization only that of Go is taken away from a patch',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
patches:
- patch: "\\u00a0\\u0085apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\ndata: {k: z}\\n\\u00a0"
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data: {k: v}
`,
      },
      yaml: `apiVersion: v1
data:
  k: z
kind: ConfigMap
metadata:
  name: a
`,
    },
  ],
];

test.each(quirks)('%s', async (_, { files, yaml }) => {
  expect((await render(memoryTree(files), '')).yaml).toBe(yaml);
});

/** What the original refuses, and one would not expect it to. */
const refused: readonly (readonly [string, string, RegExp])[] = [
  [
    'a patch whose first line is indented, as its white space is taken away',
    'patches: [{patch: "  apiVersion: v1\\n  kind: ConfigMap\\n  metadata: {name: a}"}]',
    /unable to parse SM or JSON patch/,
  ],
  [
    'operations that begin like JSON and are not',
    `patches: [{target: {kind: ConfigMap}, patch: " [{op: remove, path: /data}]"}]`,
    /unable to parse SM or JSON patch/,
  ],
  [
    'a patch beside a file, even an empty one',
    'patchesJson6902: [{target: {version: v1, kind: ConfigMap, name: a}, patch: " ", path: p.yaml}]',
    /not both/,
  ],
  [
    'a patch that is neither of both because it is empty',
    'patches: [{path: empty.yaml}]',
    /both an SM and JSON patch/,
  ],
];

test.each(refused)('refused: %s', async (_, text, message) => {
  const object = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n';
  const files = {
    'a.yaml': object,
    'empty.yaml': ' \n',
    'kustomization.yaml': `resources: [a.yaml]\n${text}\n`,
  };
  await expect(render(memoryTree(files), '')).rejects.toThrow(message);
});
