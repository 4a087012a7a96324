/** `kustomize.buildOptions`, as far as they change what a kustomization renders to. */
export interface KustomizeSettings {
  /** Kustomizations may read files outside of their folder, never outside of the repository. */
  readonly anyFolder?: true;
  /** `helmCharts` are rendered by the `helm` program. */
  readonly helm?: { readonly kubeVersion?: string; readonly apiVersions: readonly string[] };
  readonly managedByLabel?: true;
}

/** Flags without an effect here: which program, which order of its own, how it looks. */
const WITHOUT_EFFECT = new Set(['--helm-command', '--helm-debug', '--reorder']);
const WITH_VALUE = new Set([
  '--helm-command',
  '--reorder',
  '--load-restrictor',
  '--helm-kube-version',
  '--helm-api-versions',
]);

/** Throws for a flag that is not honoured: what would be rendered is not what was meant. */
export function kustomizeOf(text: string): KustomizeSettings {
  let found: KustomizeSettings = {};
  let kubeVersion: string | undefined;
  const apiVersions: string[] = [];
  for (const { flag, value } of flagsOf(text)) {
    if (WITHOUT_EFFECT.has(flag)) continue;
    if (flag === '--load-restrictor') {
      if (value === 'LoadRestrictionsNone') found = { ...found, anyFolder: true };
      else if (value !== 'LoadRestrictionsRootOnly') throw new Error(`${flag} ${value} is not known`);
    } else if (flag === '--enable-helm') {
      if (value !== 'false') found = { ...found, helm: { apiVersions } };
    } else if (flag === '--enable-managedby-label') {
      if (value !== 'false') found = { ...found, managedByLabel: true };
    } else if (flag === '--helm-kube-version') kubeVersion = value;
    else if (flag === '--helm-api-versions') apiVersions.push(...value.split(','));
    else throw new Error(`the flag ${flag} is not supported by this controller`);
  }
  if (found.helm === undefined || kubeVersion === undefined) return found;
  return { ...found, helm: { ...found.helm, kubeVersion } };
}

function flagsOf(text: string): readonly { readonly flag: string; readonly value: string }[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const flags: { flag: string; value: string }[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const [flag = '', value] = (words[at] ?? '').split(/=(.*)/s);
    if (value === undefined && WITH_VALUE.has(flag)) at += 1;
    flags.push({ flag, value: value ?? (WITH_VALUE.has(flag) ? (words[at] ?? '') : '') });
  }
  return flags;
}
