import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asLandfallError, getNumber, getObject, getString, parseJson } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { ServerCertificate } from '../api/index.ts';

/**
 * Where a cluster is and what lets its clients in. One that comes back keeps all of it, as a restarted API server
 * does: whoever was in the middle of something goes on with the kubeconfig that they have.
 */
export interface KeptPlace {
  /** Of the addresses of Services. */
  readonly octet: number | undefined;
  readonly port: number | undefined;
  readonly registryPort: number | undefined;
  readonly token: string | undefined;
  readonly certificate: ServerCertificate | undefined;
}

const NOTHING: KeptPlace = {
  octet: undefined,
  port: undefined,
  registryPort: undefined,
  token: undefined,
  certificate: undefined,
};

const ADDRESSES_FILE = 'addresses.json';
/** Readable by its owner alone. */
const ACCESS_FILE = 'access.json';

/** What the last cluster of this folder left; nothing without a folder. */
export function keptPlace(dataDir: string | undefined): KeptPlace {
  if (dataDir === undefined) return NOTHING;
  const addresses = read(path.join(dataDir, ADDRESSES_FILE));
  const access = read(path.join(dataDir, ACCESS_FILE));
  const octet = getNumber(addresses, 'octet');
  const [certificate, privateKey] = [getString(access, 'certificate'), getString(access, 'privateKey')];
  return {
    octet: octet === 0 ? undefined : octet,
    port: getNumber(addresses, 'port'),
    registryPort: getNumber(addresses, 'registryPort'),
    token: getString(access, 'token'),
    certificate:
      certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey },
  };
}

/** Keeps it for the next one, whole or not at all. */
export function keepPlace(
  dataDir: string,
  { octet, port, registryPort, token, certificate }: Required<KeptPlace>,
): void {
  const addresses = { octet, port, registryPort };
  write(path.join(dataDir, ADDRESSES_FILE), addresses, 0o644);
  write(path.join(dataDir, ACCESS_FILE), { token, ...certificate }, 0o600);
}

function read(file: string): JsonObject {
  if (!existsSync(file)) return {};
  const value: JsonValue = parseJson(readFileSync(file, 'utf8'), file);
  return getObject({ value }, 'value') ?? {};
}

function write(file: string, value: object, mode: number): void {
  const next = `${file}.new`;
  writeFileSync(next, JSON.stringify(value), { mode });
  renameSync(next, file);
}

/** At the port that was asked for, or at the one it had; at another one only where somebody has taken that. */
export async function atKeptPort<T>(
  asked: number | undefined,
  kept: number | undefined,
  start: (port: number | undefined) => Promise<T>,
): Promise<T> {
  if (asked !== undefined || kept === undefined) return start(asked);
  try {
    return await start(kept);
  } catch (thrown) {
    if (asLandfallError(thrown).code !== 'port-in-use') throw thrown;
    return start(undefined);
  }
}
