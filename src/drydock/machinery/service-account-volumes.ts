import { randomInt } from 'node:crypto';
import type { JsonObject } from '../../kernel/index.ts';
import { asJson, mapAt, mapsAt, stringAt } from '../kinds/json-access.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin } from './admission.ts';

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME = 'kube-api-access-';
const MIRROR = 'kubernetes.io/config.mirror';
/** An hour, and a little, by which the original tells tokens that it asked for itself. */
const EXPIRATION_SECONDS = 3607;
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * Gives every pod the token, the root certificate and the namespace by which its programs reach the API, unless the
 * pod or its account says not to. Source: plugin/pkg/admission/serviceaccount, mountServiceAccountToken (1.32).
 */
export function serviceAccountVolumes(store: Store): AdmissionPlugin {
  return {
    name: 'ServiceAccountVolumes',
    mutate(operation, object, _old, { kind, subresource }) {
      if (operation !== 'CREATE' || kind.table !== '/pods' || subresource !== undefined) return;
      if (object.metadata.annotations?.[MIRROR] !== undefined) return;
      const spec = mapAt(asJson(object), 'spec');
      const name = stringAt(spec, 'serviceAccountName') || 'default';
      const account = store.get('/serviceaccounts', object.metadata.namespace ?? '', name);
      const own = account === undefined ? undefined : asJson(account.object).automountServiceAccountToken;
      if ((spec.automountServiceAccountToken ?? own ?? true) === true) mountToken(spec);
    },
  };
}

function mountToken(spec: JsonObject): void {
  const volumes = mapsAt(spec, 'volumes');
  const known = volumes.map((volume) => stringAt(volume, 'name')).find((name) => name.startsWith(VOLUME));
  const name = known ?? `${VOLUME}${suffix()}`;
  let needed = false;
  for (const list of ['initContainers', 'containers']) {
    for (const container of mapsAt(spec, list)) {
      const mounts = mapsAt(container, 'volumeMounts');
      // What is mounted there already takes the token's place.
      if (mounts.some((mount) => stringAt(mount, 'mountPath') === MOUNT_PATH)) continue;
      container.volumeMounts = [...mounts, { name, readOnly: true, mountPath: MOUNT_PATH }];
      needed = true;
    }
  }
  if (needed && known === undefined) spec.volumes = [...volumes, tokenVolume(name)];
}

function tokenVolume(name: string): JsonObject {
  return {
    name,
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: EXPIRATION_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}

function suffix(): string {
  return Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)] ?? 'b').join('');
}
