import type { KeptCase } from './kept-values.ts';

interface RefusedCase {
  readonly files: KeptCase['files'];
  readonly message: RegExp;
}

const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: "1"}}\ndata: {k: v}\n';

function refused(text: string, message: RegExp, more: KeptCase['files'] = {}): RefusedCase {
  return {
    files: { 'a.yaml': map, 'kustomization.yaml': `resources: [a.yaml]\n${text}\n`, ...more },
    message,
  };
}

/** What the original refuses, and one would not expect it to. */
export const keptRefusals: readonly (readonly [string, RefusedCase])[] = [
  [
    'a patch whose first line is indented, as its white space is taken away',
    refused(
      'patches: [{patch: "  apiVersion: v1\\n  kind: ConfigMap\\n  metadata: {name: a}"}]',
      /unable to parse SM or JSON patch/,
    ),
  ],
  [
    'operations that begin like JSON and are not',
    refused(
      'patches: [{target: {kind: ConfigMap}, patch: " [{op: remove, path: /data}]"}]',
      /unable to parse SM or JSON patch/,
    ),
  ],
  [
    'a patch beside a file, even an empty one',
    refused(
      'patchesJson6902: [{target: {version: v1, kind: ConfigMap, name: a}, patch: " ", path: p.yaml}]',
      /not both/,
    ),
  ],
  [
    'a patch that may be either of both because it is empty',
    refused('patches: [{path: empty.yaml}]', /both an SM and JSON patch/, { 'empty.yaml': ' \n' }),
  ],
  [
    'two objects that come to the same id through their hash',
    refused(
      `configMapGenerator: [{name: b}, {name: c}]
patches: [{target: {name: b|c}, patch: "[{\\"op\\": \\"add\\", \\"path\\": \\"/metadata/name\\", \\"value\\": \\"x\\"}]"}]`,
      /already registered id/,
    ),
  ],
  [
    'an object that lost its name on the way',
    refused(
      `configMapGenerator: [{name: b}]
components: [c]
patches: [{target: {name: b.*}, patch: "[{\\"op\\": \\"add\\", \\"path\\": \\"/metadata/name\\", \\"value\\": {}}]"}]`,
      /previous names/,
      {
        'c/kustomization.yaml':
          'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n',
      },
    ),
  ],
  [
    'a validator that sets a label to what it is',
    refused('validators: [v.yaml]', /shouldn't modify/, {
      'v.yaml':
        'apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: v}\nlabels: {x: "1"}\nfieldSpecs: [{path: metadata/labels}]\n',
    }),
  ],
  ...(['int 3', 'float 1.5', 'bool true', 'null null'] as const).map(
    (typed): readonly [string, RefusedCase] => {
      const [type = '', value = ''] = typed.split(' ');
      return [
        `a replacement that puts a text where ${value} stands`,
        refused(
          'replacements: [{source: {kind: ConfigMap, fieldPath: metadata.name}, targets: [{select: {kind: D}, fieldPaths: [size]}]}]',
          new RegExp(`cannot decode !!str \`a\` as a !!${type}`),
          { 'a.yaml': `${map}---\napiVersion: x/v1\nkind: D\nmetadata: {name: d}\nsize: ${value}\n` },
        ),
      ];
    },
  ),
  [
    'a value that says it is base64 and is not',
    refused('', /invalid base64/, { 'a.yaml': `${map}binaryData: {x: !!binary aGVsbG8}\n` }),
  ],
];
