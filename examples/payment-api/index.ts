import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository of the GitOps and delivery lab, made to run: base, overlays and registrations of payment-api. */

/** Where the document says that the repository is; replaced by where it really is. */
const PLACEHOLDER = 'https://example.com/org/platform-repo.git';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The files of `platform-repo`, by path, with `repoURL` in its Applications. */
export async function platformRepositoryFiles(repoURL: string): Promise<Readonly<Record<string, string>>> {
  const root = path.join(here, 'repository');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files: Record<string, string> = {};
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const text = await readFile(file, 'utf8');
    files[path.relative(root, file).split(path.sep).join('/')] = text.replaceAll(PLACEHOLDER, repoURL);
  }
  return files;
}

/** The versions of nginx that the lab moves between. */
export const NGINX_VERSIONS = ['1.27.4', '1.27.5', '1.27.6'] as const;

/** The source of one version of the program that stands in for nginx, by path. */
export async function nginxFiles(version: string): Promise<Readonly<Record<string, string>>> {
  return {
    'server.js': await readFile(path.join(here, 'nginx', 'server.js'), 'utf8'),
    'package.json': `${JSON.stringify({ name: 'nginx', version })}\n`,
  };
}
