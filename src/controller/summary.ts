import { getArray, getIn, getString } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { templateContainers } from '../boundaries/index.ts';

const LINK = 'link.argocd.argoproj.io/';
const NO_LINKS = 'argocd.argoproj.io/ignore-default-links';

/**
 * `status.summary`: images of the workloads, and addresses that people can open. Its images are those of pods in Argo
 * CD. What the definition of 3.5 does not have yet is left out: a server would drop it, and each turn write it again.
 * Source: Argo CD controller/cache/info.go, GetSummary.
 */
export function summaryOf(application: KubeObject, live: readonly KubeObject[]): JsonObject {
  const images = sorted(live.flatMap((object) => templateContainers(object).map(({ image }) => image)));
  const urls = sorted([
    ...linksOf(application),
    ...live.flatMap((object) => [...linksOf(object), ...ingressUrls(object)]),
  ]);
  return {
    ...(images.length === 0 ? {} : { images }),
    ...(urls.length === 0 ? {} : { externalURLs: urls }),
  };
}

function sorted(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted();
}

/** `URL` or `TITLE|URL`, of addresses that a page may link to. */
function linksOf({ metadata }: KubeObject): readonly string[] {
  return Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) =>
    key.startsWith(LINK) && /^https?:\/\//i.test(value.slice(value.indexOf('|') + 1)) ? [value] : [],
  );
}

function ingressUrls(object: KubeObject): readonly string[] {
  const { apiVersion, kind, metadata } = object;
  const { group } = splitApiVersion(apiVersion);
  if (kind !== 'Ingress' || (group !== 'networking.k8s.io' && group !== 'extensions')) return [];
  if (metadata.annotations?.[NO_LINKS] === 'true') return [];
  const [balancer] = getArray(object, 'status', 'loadBalancer', 'ingress').map(
    (item) => getString(item, 'hostname') || getString(item, 'ip') || '',
  );
  return getArray(object, 'spec', 'rules').flatMap((rule) => {
    const host = getString(rule, 'host') || (balancer ?? '');
    if (host === '') return [];
    return getArray(rule, 'http', 'paths').map((path) => {
      const below = (getString(path, 'path') ?? '').replace(/\*$/, '');
      return `${isSecure(object, host) ? 'https' : 'http'}://${host}${below}`;
    });
  });
}

function isSecure(ingress: KubeObject, host: string): boolean {
  return getArray(ingress, 'spec', 'tls').some(
    (item) => getIn(item, 'secretName') !== undefined || getArray(item, 'hosts').includes(host),
  );
}
