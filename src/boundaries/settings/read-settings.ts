import { asLandfallError, getObject } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { settingsOf } from './settings.ts';
import type { ArgoSettings } from './settings.ts';

/** Where Argo CD keeps its settings, in the namespace of its own. */
export const SETTINGS_NAME = 'argocd-cm';
/** Where Argo CD is where nothing else is known. */
const HOME_NAMESPACE = 'argocd';

/** The Argo CD that an Application is delivered by, as a cluster tells of it. */
export interface ArgoHome {
  /** Its own namespace; Applications elsewhere go by another name. */
  readonly namespace: string;
  readonly settings: ArgoSettings;
}

/** The texts of argocd-cm, or of none. */
export function settingsIn(found: KubeObject | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(getObject(found, 'data') ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

/**
 * The Argo CD of an Application in that namespace: the one that has its settings beside it, else the one in `argocd`.
 * Without settings, or where they may not be read, everything is as Argo CD has it by default. Throws what else the
 * API server says.
 */
export async function readHome(
  client: KubeClient,
  namespace: string,
  signal?: AbortSignal,
): Promise<ArgoHome> {
  for (const where of new Set([namespace, HOME_NAMESPACE])) {
    const found = await read(client, where, signal);
    if (found !== undefined) return { namespace: where, settings: settingsOf(settingsIn(found)) };
  }
  return { namespace: HOME_NAMESPACE, settings: settingsOf({}) };
}

async function read(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<KubeObject | undefined> {
  try {
    return await client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: SETTINGS_NAME }, signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'denied') return undefined;
    throw error;
  }
}

/** The name that an Application's objects carry. Source: Argo CD InstanceName, docs/operator-manual/app-any-namespace.md. */
export function instanceName(application: KubeObject, home: string): string {
  const { name, namespace = home } = application.metadata;
  return namespace === home ? name : `${namespace}_${name}`;
}
