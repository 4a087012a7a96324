import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getString, type JsonValue } from '../../kernel/index.ts';
import { startTestServer, type TestServer } from '../http/served.fixture.ts';
import { BUNDLED_FAMILIES } from './bundled.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ bundled: BUNDLED_FAMILIES });
});
afterAll(() => server.close());

/** Every version as its originals serve it: names, scope, subresources, columns of `kubectl get`. */
const ORIGINALS = `
argoproj.io/v1alpha1 Application applications Namespaced [] Sync Status, Health Status, Revision, Project
argoproj.io/v1alpha1 ApplicationSet applicationsets Namespaced [status] Age
argoproj.io/v1alpha1 AppProject appprojects Namespaced [] Age
argoproj.io/v1alpha1 Rollout rollouts Namespaced [scale status] Desired, Current, Up-to-date, Available, Age
argoproj.io/v1alpha1 AnalysisTemplate analysistemplates Namespaced [] Age
argoproj.io/v1alpha1 ClusterAnalysisTemplate clusteranalysistemplates Cluster [] Age
argoproj.io/v1alpha1 AnalysisRun analysisruns Namespaced [] Status, Age
argoproj.io/v1alpha1 Experiment experiments Namespaced [] Status, Age
argocd-image-updater.argoproj.io/v1alpha1 ImageUpdater imageupdaters Namespaced [status] Apps, Images, Last Checked, Ready
source.toolkit.fluxcd.io/v1 GitRepository gitrepositories Namespaced [status] URL, Age, Ready, Status
source.toolkit.fluxcd.io/v1 OCIRepository ocirepositories Namespaced [status] URL, Ready, Status, Age
source.toolkit.fluxcd.io/v1beta2 OCIRepository ocirepositories Namespaced [status] URL, Ready, Status, Age
source.toolkit.fluxcd.io/v1 HelmRepository helmrepositories Namespaced [status] URL, Age, Ready, Status
source.toolkit.fluxcd.io/v1 HelmChart helmcharts Namespaced [status] Chart, Version, Source Kind, Source Name, Age, Ready, Status
source.toolkit.fluxcd.io/v1 Bucket buckets Namespaced [status] Endpoint, Age, Ready, Status
kustomize.toolkit.fluxcd.io/v1 Kustomization kustomizations Namespaced [status] Age, Ready, Status
helm.toolkit.fluxcd.io/v2 HelmRelease helmreleases Namespaced [status] Age, Ready, Status
image.toolkit.fluxcd.io/v1 ImageRepository imagerepositories Namespaced [status] Image, Tags, Ready, Status, Last scan, Age
image.toolkit.fluxcd.io/v1 ImagePolicy imagepolicies Namespaced [status] Image, Tag, Ready, Status, Age
image.toolkit.fluxcd.io/v1 ImageUpdateAutomation imageupdateautomations Namespaced [status] Ready, Status, Last run, Age
notification.toolkit.fluxcd.io/v1 Receiver receivers Namespaced [status] Age, Ready, Status
notification.toolkit.fluxcd.io/v1beta3 Alert alerts Namespaced [] Age
notification.toolkit.fluxcd.io/v1beta3 Provider providers Namespaced [] Age
gateway.networking.k8s.io/v1 GatewayClass gatewayclasses Cluster [status] Controller, Accepted, Age, Description
gateway.networking.k8s.io/v1 Gateway gateways Namespaced [status] Class, Address, Programmed, Age
gateway.networking.k8s.io/v1 HTTPRoute httproutes Namespaced [status] Hostnames, Age
gateway.networking.k8s.io/v1beta1 HTTPRoute httproutes Namespaced [status] Hostnames, Age
gateway.networking.k8s.io/v1 GRPCRoute grpcroutes Namespaced [status] Hostnames, Age
gateway.networking.k8s.io/v1beta1 ReferenceGrant referencegrants Namespaced [] Age
`
  .trim()
  .split('\n')
  .map((line) => [line.split(' ').slice(0, 2).join(' '), line] as const);

function columnsOf(table: JsonValue): string[] {
  const names = getArray(table, 'columnDefinitions').map((column) => getString(column, 'name') ?? '');
  return names.filter((name) => name !== 'Name');
}

describe('what is bundled', () => {
  it.each(ORIGINALS)('%s is served as its original is', async (_name, wanted) => {
    const [groupVersion = '', kind = ''] = wanted.split(' ');
    const resources = getArray((await server.call('GET', `/apis/${groupVersion}`)).body, 'resources');
    const own = resources.filter((resource) => getString(resource, 'kind') === kind);
    const plural = getString(own[0], 'name') ?? '';
    const subresources = resources
      .map((resource) => getString(resource, 'name') ?? '')
      .filter((name) => name.startsWith(`${plural}/`))
      .map((name) => name.slice(plural.length + 1))
      .toSorted();
    const scope = JSON.stringify(own[0]).includes('"namespaced":true') ? 'Namespaced' : 'Cluster';
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const table = (await server.call('GET', `/apis/${groupVersion}/${plural}`, undefined, { accept })).body;
    expect(
      `${groupVersion} ${kind} ${plural} ${scope} [${subresources.join(' ')}] ${columnsOf(table).join(', ')}`,
    ).toBe(wanted);
  });

  it('keeps the status that is written with an Application, and not the one of a Rollout', async () => {
    const write = async (kind: string, plural: string) => {
      const answer = await server.call('POST', `/apis/argoproj.io/v1alpha1/namespaces/default/${plural}`, {
        apiVersion: 'argoproj.io/v1alpha1',
        kind,
        metadata: { name: 'x' },
        spec: {},
        status: { phase: 'here' },
      });
      return getString(answer.body, 'status', 'phase');
    };
    expect(await write('Application', 'applications')).toBe('here');
    expect(await write('Rollout', 'rollouts')).toBeUndefined();
  });
});
