import type { KeptCase } from './kept-values.ts';

function layout(name: string, own: string, yaml: string): readonly [string, KeptCase] {
  const head = 'apiVersion: edge.example.org/v1\nkind: Router\nmetadata: {name: front}\n';
  return [
    name,
    {
      files: { 'kustomization.yaml': 'resources: [\nrouter.yaml\n]\n', 'router.yaml': head + own },
      yaml: `apiVersion: edge.example.org/v1\nkind: Router\nmetadata:\n  name: front\n${yaml}`,
    },
  ];
}

/** Layouts that the original reads, and a strict reader of YAML would not, or would read as something else. */
export const keptLayouts: readonly (readonly [string, KeptCase])[] = [
  layout(
    'brackets and quotes that go on left of their key',
    `spec:
  hosts: [
    a,
  b # the last
  ]
  note: "one
two"
  tls: {
cert: {
key: x
}
}
`,
    `spec:
  hosts:
  - a
  - b
  note: one two
  tls:
    cert:
      key: x
`,
  ),
  layout(
    'a merge key without an alias',
    'spec:\n  <<: [{size: 1, depth: 2}, {size: 3}]\n  depth: 4\n',
    'spec:\n  depth: 4\n  size: 1\n',
  ),
  layout('a zero with a sign', 'spec: [-0.0, -0, 0.0]\n', 'spec:\n- 0\n- 0\n- 0\n'),
  [
    'keys that no API server takes, and a file with a mark of byte order',
    {
      files: {
        'kustomization.yaml': `configMapGenerator:
- name: odd
  literals: ["a/b = 1"]
  envs: [odd.env]
  files: [marked.txt]
  options: {disableNameSuffixHash: true}
`,
        'odd.env': '1 A=2\n=nothing\nB = 3\n',
        'marked.txt': '\uFEFFa é\n',
      },
      yaml: `apiVersion: v1
data:
  1 A: "2"
  'B ': ' 3'
  'a/b ': ' 1'
  marked.txt: "\\uFEFF\\x61\\x20\\xE9\\n"
kind: ConfigMap
metadata:
  name: odd
`,
    },
  ],
];
