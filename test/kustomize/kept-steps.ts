import type { KeptCase } from './kept-values.ts';

/** What steps of a render do that nobody would guess, each with what kubectl kustomize 5.5.0 prints. */
export const keptSteps: readonly (readonly [string, KeptCase])[] = [
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
  [
    'a patch that removes all annotations removes the notes of earlier names, and of a hash that is due',
    {
      files: {
        'base/kustomization.yaml': `namePrefix: b-
resources: [o.yaml]
configMapGenerator:
- name: g
  literals: [k=v]
`,
        'base/o.yaml': `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  volumes:
  - name: v
    configMap: {name: g}
`,
        'kustomization.yaml': `nameSuffix: -s
resources: [base]
patches:
- patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: g, annotations: null}}"
`,
      },
      yaml: `apiVersion: v1
data:
  k: v
kind: ConfigMap
metadata:
  name: b-g-s
---
apiVersion: v1
kind: Pod
metadata:
  name: b-p-s
spec:
  volumes:
  - configMap:
      name: g
    name: v
`,
    },
  ],
  [
    'a patch that replaces the whole object changes nothing',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
patches:
- patch: "{apiVersion: v1, kind: ConfigMap, $patch: replace, metadata: {name: a}}"
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {k: v}
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
    'annotations are there for a field of a configuration once an object was renamed',
    {
      files: {
        'kustomization.yaml': `nameSuffix: -v2
commonLabels: {app: a}
resources: [a.yaml]
configurations: [c.yaml]
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
`,
        'c.yaml': `commonLabels:
- path: metadata/annotations
`,
      },
      yaml: `apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    app: a
  labels:
    app: a
  name: a-v2
`,
    },
  ],
  [
    'a null where a map is wanted stays a null',
    {
      files: {
        'kustomization.yaml': `commonAnnotations: {note: x}
resources: [a.yaml]
configurations: [c.yaml]
`,
        'a.yaml': `apiVersion: example.com/v1
kind: Widget
metadata: {name: a}
spec: {notes: null}
`,
        'c.yaml': `commonAnnotations:
- path: spec/notes
`,
      },
      yaml: `apiVersion: example.com/v1
kind: Widget
metadata:
  annotations:
    note: x
  name: a
spec:
  notes: null
`,
    },
  ],
  [
    'a prefix and a suffix of one plugin are one transformation',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
buildMetadata: [transformerAnnotations]
transformers:
- |
  apiVersion: builtin
  kind: PrefixSuffixTransformer
  metadata: {name: both}
  prefix: p-
  suffix: -s
  fieldSpecs: [{path: metadata/name}]
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
`,
      },
      yaml: `apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    alpha.config.kubernetes.io/transformations: |
      - configuredIn: kustomization.yaml
        configuredBy:
          apiVersion: builtin
          kind: PrefixSuffixTransformer
          name: both
  name: p-a-s
`,
    },
  ],
  [
    'the path of a var finds items of a list by a field, the last one, and a null',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
vars:
- name: A
  objref: {apiVersion: v1, kind: Pod, name: a}
  fieldref: {fieldpath: "spec.containers.[name=two].image"}
- name: B
  objref: {apiVersion: v1, kind: Pod, name: a}
  fieldref: {fieldpath: spec.containers.-.name}
- name: C
  objref: {apiVersion: v1, kind: Pod, name: a}
  fieldref: {fieldpath: "spec.containers[0].image"}
`,
        'a.yaml': `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: one
    image: null
    args: [$(A), -$(B)-, $(C)]
  - name: two
    image: nginx
`,
      },
      yaml: `apiVersion: v1
kind: Pod
metadata:
  name: a
spec:
  containers:
  - args:
    - nginx
    - -two-
    - "null"
    image: null
    name: one
  - image: nginx
    name: two
`,
    },
  ],
  [
    'a validator may leave its label behind',
    {
      files: {
        'kustomization.yaml': `resources: [a.yaml]
validators:
- |
  apiVersion: builtin
  kind: LabelTransformer
  metadata: {name: v}
  labels: {validated-by: me}
  fieldSpecs: [{path: metadata/labels, create: true}]
`,
        'a.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
`,
      },
      yaml: `apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    validated-by: me
  name: a
`,
    },
  ],
];
