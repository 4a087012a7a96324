import { expect, it } from 'vitest';
import type { KubeObject } from '../kube/index.ts';
import { summaryOf } from './summary.ts';

const application = (annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: 'shop', annotations },
});

const ingress = (spec: KubeObject['spec'], annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'shop', annotations },
  spec: spec ?? null,
  status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } },
});

const rule = (host: string | undefined, path: string) => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: [{ path, backend: {} }] },
});

it('names images, and addresses that people can open, each once', () => {
  const web: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      annotations: { 'link.argocd.argoproj.io/logs': 'Logs|https://logs.corp.io/web' },
    },
    spec: {
      template: {
        spec: {
          initContainers: [{ name: 'init', image: 'web:2' }],
          containers: [
            { name: 'main', image: 'web:2' },
            { name: 'side', image: 'proxy:1' },
          ],
        },
      },
    },
  };
  const found = summaryOf(application({ 'link.argocd.argoproj.io/home': 'https://corp.io' }), [
    web,
    ingress({
      rules: [rule('shop.corp.io', '/*'), rule(undefined, '/api')],
      tls: [{ hosts: ['shop.corp.io'] }],
    }),
    ingress({ rules: [rule('all.corp.io', '/')], tls: [{ secretName: 'all' }] }),
    ingress({ rules: [rule('hidden.corp.io', '/')] }, { 'argocd.argoproj.io/ignore-default-links': 'true' }),
  ]);
  expect(found).toEqual({
    images: ['proxy:1', 'web:2'],
    externalURLs: [
      'Logs|https://logs.corp.io/web',
      'http://10.0.0.1/api',
      'https://all.corp.io/',
      'https://corp.io',
      'https://shop.corp.io/',
    ],
  });
});

it('links to nothing but web addresses', () => {
  expect(
    summaryOf(application({ 'link.argocd.argoproj.io/bad': 'javascript:alert(1)' }), [application()]),
  ).toEqual({});
  expect(summaryOf(application(), [])).toEqual({});
});
