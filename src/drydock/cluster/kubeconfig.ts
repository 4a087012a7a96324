import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface KubeconfigContent {
  readonly url: string;
  /** PEM. */
  readonly caCertificate: string;
  readonly token: string;
  /** Host of an image reference to where this machine finds that registry. */
  readonly registryMirrors: Readonly<Record<string, string>>;
}

const NAME = 'drydock';

/** A kubeconfig with one cluster, user and context; every scalar in JSON's notation, which YAML reads. */
export function kubeconfigText(content: KubeconfigContent): string {
  const { url, caCertificate, token, registryMirrors } = content;
  const mirrors = Object.entries(registryMirrors).map(
    ([host, mirror]) => `        ${JSON.stringify(host)}: ${JSON.stringify(mirror)}`,
  );
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `- name: ${NAME}`,
    '  cluster:',
    `    server: ${JSON.stringify(url)}`,
    `    certificate-authority-data: ${Buffer.from(caCertificate).toString('base64')}`,
    '    extensions:',
    '    - name: registry-mirrors',
    ...(mirrors.length === 0 ? ['      extension: {}'] : ['      extension:', ...mirrors]),
    'users:',
    `- name: ${NAME}`,
    '  user:',
    `    token: ${JSON.stringify(token)}`,
    'contexts:',
    `- name: ${NAME}`,
    '  context:',
    `    cluster: ${NAME}`,
    `    user: ${NAME}`,
    `current-context: ${NAME}`,
    'preferences: {}',
    '',
  ].join('\n');
}

/** Writes beside and renames: who waits for the file finds it complete, and only its owner may read it. */
export async function writeKubeconfigFile(file: string, text: string): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  const unfinished = `${file}.${randomBytes(4).toString('hex')}.new`;
  try {
    await writeFile(unfinished, text, { mode: 0o600, flag: 'wx' });
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
