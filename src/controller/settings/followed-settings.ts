import { asLandfallError } from '../../kernel/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import type { KubeClient } from '../../kube/index.ts';
import { follow } from '../followed.ts';
import { SETTINGS_NAME, settingsIn, settingsOf } from '../../boundaries/settings/index.ts';
import type { ArgoSettings } from '../../boundaries/settings/index.ts';

export interface Settings {
  /** As they are now. Throws where nobody knows. */
  get(signal?: AbortSignal): Promise<ArgoSettings>;
  /** As they were when somebody last asked. */
  readonly last: ArgoSettings;
  close(): Promise<void>;
}

/** Follows Argo CD's ConfigMap in the namespace of its own; without one everything is as Argo CD has it by default. */
export function followSettings(
  client: KubeClient,
  namespace: string,
  clock: Clock,
  logger: Logger,
  onChange: () => void,
): Settings {
  const followed = follow(
    client,
    { apiVersion: 'v1', kind: 'ConfigMap' },
    { clock, namespace, fieldSelector: `metadata.name=${SETTINGS_NAME}`, onChange },
  );
  let known: { readonly version: string; readonly settings: ArgoSettings } = {
    version: '/',
    settings: settingsOf({}),
  };
  let told = false;

  return {
    get last() {
      return known.settings;
    },
    async get(signal) {
      let data: Readonly<Record<string, string>> = {};
      let version = '/';
      try {
        const found = (await followed.list(signal)).find((item) => item.metadata.name === SETTINGS_NAME);
        version = `${found?.metadata.uid ?? ''}/${found?.metadata.resourceVersion ?? ''}`;
        data = settingsIn(found);
      } catch (thrown) {
        const error = asLandfallError(thrown);
        // A controller that may not read it has none.
        if (error.kind !== 'denied') throw error;
        if (!told)
          logger.warn('The settings of Argo CD may not be read, and are not honoured', {
            name: SETTINGS_NAME,
          });
        told = true;
      }
      if (known.version !== version) {
        known = { version, settings: settingsOf(data) };
        for (const warning of known.settings.warnings) logger.warn(warning);
      }
      return known.settings;
    },
    close: () => followed.close(),
  };
}
