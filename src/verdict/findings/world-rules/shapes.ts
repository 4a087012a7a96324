import { getArray, getNumber, getString, isJsonObject, textOf } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import { counted, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

const RESIDUE = /\$\{[A-Za-z_][\w.]*(?::[-=?][^}]*)?\}|\{\{[^}]*\}\}|<no value>|%!s\(<nil>\)/;

/** Every text of a value with its path, at most so many: objects may be large. */
function* texts(
  value: JsonValue | undefined,
  path: readonly (string | number)[] = [],
  depth = 0,
): Generator<readonly [readonly (string | number)[], string]> {
  if (depth > 24) return;
  if (typeof value === 'string') yield [path, value];
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* texts(item, [...path, index], depth + 1);
  else if (isJsonObject(value))
    for (const [key, item] of Object.entries(value)) yield* texts(item, [...path, key], depth + 1);
}

/** REN-06: variables that nobody filled in. Arguments and scripts may mean their braces, images and names cannot. */
function unresolved(view: View): Draft[] {
  const drafts: Draft[] = [];
  for (const object of view.desired) {
    const found: { path: readonly (string | number)[]; text: string }[] = [];
    for (const part of ['metadata', 'spec', 'data'] as const) {
      for (const [path, text] of texts(object.get(part), [part])) {
        const field = path.findLast((step) => typeof step === 'string');
        const means =
          part === 'data' ||
          /^(?:command|args|last-applied)/.test(String(field)) ||
          path.includes('command') ||
          path.includes('args') ||
          path.includes('annotations') ||
          /\$\{\d/.test(text);
        const emptyImage = field === 'image' && (text === '' || /[:@]$|^:/.test(text));
        if ((RESIDUE.test(text) && !(means && !/<no value>/.test(text))) || emptyImage)
          found.push({ path, text });
      }
    }
    const [first] = found;
    if (first === undefined || /^(?:ConfigMap|Secret|CustomResourceDefinition)$/.test(object.kind)) continue;
    drafts.push({
      failure: 'REN-06',
      id: 'variable-unresolved',
      boundary: 'render',
      title: `${object.id} has a variable that nobody filled in: ${quote(first.text)}`,
      // That an image is then no image at all is what follows.
      confidence: found.some(({ path }) => path.at(-1) === 'image') ? 0.98 : 0.93,
      why: [
        `${counted(found.length, 'field')} of the rendered object still hold${found.length === 1 ? 's' : ''} a placeholder or are empty where a value belongs.`,
      ],
      claims: found
        .slice(0, 10)
        .map(({ path, text }) => view.about('render', object, path.join('.'), text, ...path)),
      misleading: [['it parses as valid YAML', 'so does a placeholder']],
      now: [
        'Give the variable its value, in Git or in the substitution of the engine.',
        'landfall render DIR',
      ],
      lasting: [
        'Strict substitution, and a check that rendered manifests hold no placeholders (landfall check).',
      ],
      verify: ["landfall render DIR | grep -nE '\\$\\{|\\{\\{|<no value>'"],
      can: 'commit',
      space: object.namespace,
    });
  }
  return drafts;
}

/** REN-08: objects that land in another namespace than the rest. */
function strayNamespaces(view: View): Draft[] {
  const placed = view.desired.filter(
    (thing) =>
      thing.namespace !== undefined &&
      !/^(?:Namespace|ClusterRole|ClusterRoleBinding|CustomResourceDefinition|Application|Kustomization)$/.test(
        thing.kind,
      ),
  );
  const inDefault = placed.filter(({ namespace }) => namespace === 'default');
  const targets = new Set(view.world.engines.flatMap(({ destination }) => destination ?? []));
  const [first] = inDefault;
  if (first === undefined || targets.has('default') || inDefault.length === placed.length) return [];
  return [
    {
      failure: 'REN-08',
      id: 'namespace-astray',
      boundary: 'render',
      title: `${counted(inDefault.length, 'object')} (${first.id}) go to the namespace default, the others to ${placed.find(({ namespace }) => namespace !== 'default')?.namespace ?? ''}`,
      confidence: 0.75,
      why: [
        'A transformer or a chart that does not set the namespace leaves objects where the apply happens to be.',
      ],
      claims: inDefault.map((thing) =>
        view.about('render', thing, 'namespace', 'default', 'metadata', 'namespace'),
      ),
      misleading: [['the sync succeeded', 'in the wrong namespace']],
      now: ['Set the namespace in Git, and remove the strays.', 'kubectl get all -n default'],
      lasting: [
        'A list of the identities that an environment may have, and a policy against the namespace default.',
      ],
      verify: ['landfall render DIR | grep -n namespace:'],
      can: 'commit',
      space: undefined,
    },
  ];
}

/** REN-09: a source that may change without a commit. A habit, unless two renders of one commit differ. */
function unpinned(view: View): Draft[] {
  return view.world.files.flatMap((file): Draft[] => {
    if (file.kind !== 'kustomization') return [];
    return ['resources', 'components', 'bases'].flatMap((field) =>
      getArray(file.value, field).flatMap((item, index): Draft[] => {
        if (typeof item !== 'string' || !/^(?:https?:\/\/|git@|github\.com\/|ssh:\/\/)/.test(item)) return [];
        const ref = /[?&](?:ref|version)=(?<ref>[^&]+)/.exec(item)?.groups?.['ref'];
        if (ref !== undefined && /^(?:[0-9a-f]{7,40}|v?\d+(?:\.\d+)+.*)$/.test(ref)) return [];
        return [
          {
            failure: 'REN-09',
            id: 'remote-source-unpinned',
            boundary: 'render',
            kind: 'risk',
            title: `${file.path} takes ${item.split('?')[0] ?? item} as it is at ${ref ?? 'its default branch'}`,
            confidence: 0.9,
            why: ['The same commit renders differently when the other repository moves.'],
            claims: [view.claim('render', file.path, field, item, file.cite([field, index]))],
            misleading: [['the revision is right', 'its content is not only its own']],
            now: ['Pin it to a commit or a version, in Git.'],
            lasting: ['Vendor or pin everything remote, and keep the hash of what was rendered.'],
            verify: ['landfall render DIR'],
            can: 'commit',
          },
        ];
      }),
    );
  });
}

/** ROL-05 as a habit: a claim for one node, and an update that needs two. */
function rollingWithOneVolume(view: View): Draft[] {
  return view.desired.flatMap((thing): Draft[] => {
    if (
      thing.kind !== 'Deployment' ||
      (thing.text('spec', 'strategy', 'type') ?? 'RollingUpdate') !== 'RollingUpdate'
    )
      return [];
    const claim = thing
      .list('spec', 'template', 'spec', 'volumes')
      .flatMap((volume) => getString(volume, 'persistentVolumeClaim', 'claimName') ?? [])
      .flatMap((name) => view.declared('PersistentVolumeClaim').find((item) => item.name === name) ?? [])
      .find((item) =>
        getArray(item.get('spec', 'accessModes')).every((mode) =>
          /^ReadWriteOnce(?:Pod)?$/.test(textOf(mode)),
        ),
      );
    const replicas = getNumber(thing.get('spec'), 'replicas') ?? 1;
    if (claim === undefined || replicas === 0) return [];
    return [
      {
        failure: 'ROL-05',
        id: 'rolling-update-with-single-volume',
        boundary: 'health',
        kind: 'risk',
        title: `${thing.id} updates by rolling and mounts ${claim.name}, which only one node can have`,
        confidence: 0.85,
        why: [
          'The new pod may come to another node and wait for the volume until the old one is gone, which waits for the new one.',
        ],
        claims: [
          view.about('render', claim, 'accessModes', 'ReadWriteOnce', 'spec', 'accessModes'),
          view.about('render', thing, 'strategy', 'RollingUpdate', 'spec'),
        ],
        misleading: [['it has worked so far', 'both pods came to one node']],
        now: ['Set strategy Recreate in Git.'],
        lasting: ['Recreate for what has a volume of its own, or a StatefulSet.'],
        verify: [`kubectl get ${thing.ref}${thing.n} -o jsonpath='{.spec.strategy.type}'`],
        can: 'commit',
        space: thing.namespace,
      },
    ];
  });
}

/** REN-06, REN-08, REN-09, ROL-05: what the manifests themselves show. */
export const shapesRule: WorldRule = (view) => [
  ...unresolved(view),
  ...strayNamespaces(view),
  ...unpinned(view),
  ...rollingWithOneVolume(view),
];
