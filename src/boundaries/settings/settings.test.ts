import { describe, expect, it } from 'vitest';
import { settingsOf } from './settings.ts';

const SERVER = 'https://kubernetes.default.svc';

describe('argocd-cm', () => {
  it('that says nothing leaves everything as Argo CD has it', () => {
    const settings = settingsOf({});
    expect(settings).toMatchObject({
      tracking: { method: 'annotation', labelKey: 'app.kubernetes.io/instance', installationId: '' },
      ignore: [],
      healthScripts: [],
      kustomize: {},
      valuesFileSchemes: ['https', 'http'],
      disabled: [],
      inCluster: true,
      impersonation: 'off',
      problems: [],
    });
    expect(settings.excludes('apps', 'Deployment', SERVER)).toBe(false);
    expect(settings.excludes('', 'Event', SERVER)).toBe(true);
    expect(settings.excludes('coordination.k8s.io', 'Lease', SERVER)).toBe(true);
  });

  it('leaves kinds out by group, kind and cluster, and takes in what it lists where it lists something', () => {
    const { excludes } = settingsOf({
      'resource.exclusions':
        '- apiGroups: ["*.cattle.io"]\n- kinds: [Secret]\n  clusters: ["https://prod.*"]\n',
      'resource.inclusions': '- apiGroups: [apps, ""]\n  clusters: ["https://prod.*"]\n',
    });
    expect(excludes('management.cattle.io', 'Cluster', SERVER)).toBe(true);
    expect(excludes('', 'Secret', SERVER)).toBe(false);
    expect(excludes('', 'Secret', 'https://prod.corp.io')).toBe(true);
    expect(excludes('', 'ConfigMap', 'https://prod.corp.io')).toBe(false);
    expect(excludes('batch', 'Job', 'https://prod.corp.io')).toBe(true);
    expect(excludes('batch', 'Job', SERVER)).toBe(false);
  });

  it('has customizations as one map, or as a key for each kind', () => {
    const { ignore, healthScripts } = settingsOf({
      'resource.customizations':
        'apps/Deployment:\n  ignoreDifferences: |\n    jsonPointers: [/spec/replicas]\n"*.corp.io/*":\n  health.lua: return {}\n',
      'resource.customizations.ignoreDifferences.all': 'managedFieldsManagers: [autoscaler]\n',
      'resource.customizations.ignoreDifferences.cert-manager.io_Certificate':
        'jqPathExpressions: [.spec.duration]\n',
      'resource.customizations.health.cert-manager.io_Certificate': 'return {}',
      'resource.customizations.actions.apps_Deployment': 'discovery.lua: ""',
      'resource.customizations.ignoreResourceUpdates.all': 'jsonPointers: [/status]\n',
    });
    expect(ignore).toMatchObject([
      { group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] },
      { group: '*', kind: '*', managers: ['autoscaler'] },
      { group: 'cert-manager.io', kind: 'Certificate', jqPathExpressions: ['.spec.duration'] },
    ]);
    expect(healthScripts.filter(({ isAbout }) => isAbout('db.corp.io', 'Postgres'))).toHaveLength(1);
    expect(healthScripts.filter(({ isAbout }) => isAbout('cert-manager.io', 'Certificate'))).toMatchObject([
      { key: 'resource.customizations.health.cert-manager.io_Certificate' },
    ]);
  });

  it('says how kustomizations are built', () => {
    const options =
      '--enable-helm --load-restrictor LoadRestrictionsNone --helm-kube-version=1.30 --reorder none';
    expect(settingsOf({ 'kustomize.buildOptions': options }).kustomize).toEqual({
      anyFolder: true,
      helm: { kubeVersion: '1.30', apiVersions: [] },
    });
    expect(settingsOf({ 'kustomize.buildOptions': '--enable-exec' }).problems).toEqual([
      'argocd-cm, kustomize.buildOptions: the flag --enable-exec is not supported by this controller',
    ]);
  });

  it.each([
    ['application.resourceTrackingMethod', 'anotation'],
    ['resource.exclusions', 'kinds: [Secret]'],
    ['resource.compareoptions', '- a'],
    ['globalProjects', 'true'],
  ])('that cannot be read says where: %s', (key, text) => {
    expect(settingsOf({ [key]: text }).problems.join()).toContain(`argocd-cm, ${key}: `);
  });

  it('switches on and off by the words that Go takes', () => {
    const settings = settingsOf({
      'application.sync.impersonation.enabled': 'true',
      'application.sync.impersonation.enforced': 'T',
      'kustomize.enable': 'false',
      'cluster.inClusterEnabled': '0',
      'helm.valuesFileSchemes': 'https, s3',
    });
    expect(settings).toMatchObject({
      impersonation: 'enforced',
      disabled: ['Kustomize'],
      inCluster: false,
      valuesFileSchemes: ['https', 's3'],
    });
  });
});
