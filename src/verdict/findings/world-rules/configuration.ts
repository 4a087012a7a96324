import { getArray, getObject, getString } from '../../../kernel/index.ts';
import { maskedFailures } from './masking.ts';
import { counted, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

function configRefs(
  thing: Thing,
): readonly { readonly kind: 'ConfigMap' | 'Secret'; readonly name: string; readonly env: boolean }[] {
  const found: { kind: 'ConfigMap' | 'Secret'; name: string; env: boolean }[] = [];
  for (const container of [
    ...thing.list('spec', 'template', 'spec', 'containers'),
    ...thing.list('spec', 'template', 'spec', 'initContainers'),
  ]) {
    for (const from of getArray(container, 'envFrom')) {
      for (const [key, kind] of [
        ['configMapRef', 'ConfigMap'],
        ['secretRef', 'Secret'],
      ] as const) {
        const name = getString(from, key, 'name');
        if (name !== undefined) found.push({ kind, name, env: true });
      }
    }
    for (const item of getArray(container, 'env')) {
      for (const [key, kind] of [
        ['configMapKeyRef', 'ConfigMap'],
        ['secretKeyRef', 'Secret'],
      ] as const) {
        const name = getString(item, 'valueFrom', key, 'name');
        if (name !== undefined) found.push({ kind, name, env: true });
      }
    }
  }
  return found;
}

/** REN-03, HEA-03: containers that read a configuration into their environment before it changed. */
function staleConfiguration(view: View): Draft[] {
  return view.kind('Deployment', 'StatefulSet', 'DaemonSet').flatMap((thing): Draft[] => {
    const pods = view.podsOf(thing).filter((pod) => !pod.terminating);
    const started = pods
      .map((pod) => ({ pod, at: Date.parse(pod.created ?? '') }))
      .filter(({ at }) => !Number.isNaN(at));
    return [...new Map(configRefs(thing).map((ref) => [`${ref.kind}/${ref.name}`, ref])).values()].flatMap(
      (ref): Draft[] => {
        const config = view.find(ref.kind, thing.namespace, ref.name);
        const written = config
          ?.list('metadata', 'managedFields')
          .filter(
            (entry) =>
              getObject(entry, 'fieldsV1', 'f:data') !== undefined ||
              getObject(entry, 'fieldsV1', 'f:stringData') !== undefined,
          )
          .flatMap((entry) => getString(entry, 'time') ?? [])
          .toSorted()
          .at(-1);
        const at = Date.parse(written ?? '');
        const old = started.filter((item) => item.at < at - 5_000);
        if (config === undefined || Number.isNaN(at) || old.length === 0) return [];
        const secret = ref.kind === 'Secret';
        return [
          {
            failure: secret ? 'HEA-03' : 'REN-03',
            id: secret ? 'secret-older-in-pods' : 'configuration-older-in-pods',
            boundary: 'rollout',
            title: `${ref.kind} ${ref.name} changed, and the pods of ${thing.name} still have what it said before`,
            confidence: 0.92,
            why: [
              `It was written ${written ?? ''}; ${counted(old.length, 'pod')} are older, and read it into their environment when they started. The pod template did not change, so nothing rolled out.`,
            ],
            claims: [
              view.about('live', config, 'written', written ?? '', 'metadata', 'managedFields'),
              ...old.map(({ pod }) =>
                view.about(
                  'rollout',
                  pod.thing,
                  'creationTimestamp',
                  pod.created ?? '',
                  'metadata',
                  'creationTimestamp',
                ),
              ),
            ],
            misleading: [
              ['the sync shows it configured, and all pods are ready', 'with the values of before'],
            ],
            now: ['Restart the pods.', `kubectl rollout restart ${thing.ref}${thing.n}`],
            lasting: [
              'A hash of the configuration in its name (configMapGenerator) or in an annotation of the template.',
            ],
            verify: [`kubectl rollout status ${thing.ref}${thing.n}`, `kubectl get pods${thing.n}`],
            can: 'commit',
            space: thing.namespace,
          },
        ];
      },
    );
  });
}

/** HEA-03: a feature flag or setting that the running version asks for and nobody has. */
function missingFlags(view: View): Draft[] {
  const sample = view.world.samples.find(
    ({ name, labels, value }) =>
      value > 0 &&
      /flag|feature|toggle/.test(name) &&
      Object.values(labels).some((label) => /^(?:not_?found|missing|default|error)$/i.test(label)),
  );
  const line = view.world.logs.find(({ message }) =>
    /feature flag '?"?[\w.-]+"? ?'?.*(?:not found|missing|unknown)|flag .* not found/i.test(message),
  );
  const source = sample?.source ?? line?.source;
  if (source === undefined) return [];
  const flag =
    sample?.labels['flag'] ??
    sample?.labels['feature'] ??
    /flag '?"?(?<flag>[\w.-]+)/i.exec(line?.message ?? '')?.groups?.['flag'] ??
    'a feature flag';
  return [
    {
      failure: 'HEA-03',
      id: 'feature-flag-missing',
      boundary: 'traffic',
      title: `the flag ${flag} is not found by the version that runs`,
      confidence: 0.75,
      why: [
        sample === undefined
          ? quote(line?.message ?? '')
          : `It was asked for ${sample.value} times and not found.`,
        'Either the flag does not exist in this environment, or this version asks for a flag of another one.',
        ...maskedFailures(view.world.samples).map(({ truth }) => `Of the results, ${truth}.`),
      ],
      claims: [
        ...(sample === undefined
          ? []
          : [view.claim('traffic', flag, sample.name, `${sample.value} not found`, sample.source)]),
        ...(line === undefined ? [] : [view.claim('traffic', flag, 'log', line.message, line.source)]),
      ],
      misleading: [
        ['image, rollout and probes are green', 'only one feature is worse, and averages hide it'],
        ...maskedFailures(view.world.samples).map(({ signal, truth }) => [signal, truth] as const),
      ],
      now: [
        'See whether the flag exists for this environment and this version; create it or roll the version that knows it.',
      ],
      lasting: ['A release is image, configuration and flags together.'],
      verify: ['landfall trace APP version'],
      symptom: true,
    },
  ];
}

/** REN-03, HEA-03: the right code with another configuration. */
export const configurationRule: WorldRule = (view) => [...staleConfiguration(view), ...missingFlags(view)];
