/**
 * What it costs to follow 1,000 images over 10 registries with 500 tags each: a cycle from nothing, one in which
 * nothing has changed, and one with a new image in every registry. The registries are one process that answers tags,
 * manifests and configs by the distribution specification, with ETags, and counts what it is asked.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { renderApplication } from '../src/boundaries/index.ts';
import { createGitMirrors } from '../src/git/index.ts';
import { systemClock } from '../src/kernel/index.ts';
import { createRegistryClient } from '../src/oci/index.ts';
import { editImages } from '../src/pipeline/edits/index.ts';
import { createAncestry } from '../src/pipeline/updates/ancestry.ts';
import { createCycle } from '../src/pipeline/updates/cycle.ts';
import type { ImageRule, Updater } from '../src/pipeline/updates/index.ts';
import { createPublish } from '../src/pipeline/updates/publish.ts';
import { createRegistries } from '../src/pipeline/updates/registries.ts';
import { mebibytes, milliseconds } from './table.ts';

const REGISTRIES = 10;
const APPLICATIONS = 100;
const IMAGES_EACH = 10;
const TAGS = 500;
const { signal } = new AbortController();

/** Runs on its own: registries on ports that it tells, with `/count` and `/push` beside the registry's paths. */
const SERVER = `
import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
const [tags, news] = JSON.parse(process.argv[2]);
const digest = (text) => 'sha256:' + createHash('sha256').update(text).digest('hex');
const config = JSON.stringify({ os: 'linux', architecture: 'amd64', created: '2026-01-01T00:00:00Z', config: {} });
const type = 'application/vnd.oci.image.manifest.v1+json';
const manifest = JSON.stringify({ schemaVersion: 2, mediaType: type,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digest(config), size: config.length }, layers: [] });
const counts = {};
let pushed = false;
const ports = [];
for (let index = 0; index < ${REGISTRIES}; index++) {
  const server = createServer((request, response) => {
    const { url, method } = request;
    if (url === '/count') { response.end(JSON.stringify(counts)); for (const key in counts) delete counts[key]; return; }
    if (url === '/push') { pushed = true; response.end(); return; }
    const answer = (status, headers, body) => {
      const what = method + ' ' + status + (url.includes('/tags/') ? ' tags' : url.includes('/blobs/') ? ' blob' : url === '/v2/' ? ' ping' : ' manifest');
      counts[what] = (counts[what] ?? 0) + 1;
      response.writeHead(status, headers);
      response.end(method === 'HEAD' ? undefined : body);
    };
    const list = /^\\/v2\\/(team\\/app-(\\d+))\\/tags\\/list/.exec(url);
    if (list) {
      // In every registry one image is new after a push.
      const all = pushed && Number(list[2]) < ${REGISTRIES} ? [...tags, news] : tags;
      const body = JSON.stringify({ name: list[1], tags: all });
      const etag = '"' + digest(body).slice(7, 40) + '"';
      if (request.headers['if-none-match'] === etag) return answer(304, { etag }, '');
      return answer(200, { etag, 'content-type': 'application/json' }, body);
    }
    if (url.includes('/manifests/')) return answer(200, { 'content-type': type, 'docker-content-digest': digest(manifest) }, manifest);
    if (url.includes('/blobs/')) return answer(200, {}, config);
    answer(200, {}, '{}');
  });
  server.listen(0, '127.0.0.1', () => {
    ports.push(server.address().port);
    if (ports.length === ${REGISTRIES}) process.stdout.write(JSON.stringify(ports) + '\\n');
  });
}
`;

function git(cwd: string, ...args: readonly string[]): string {
  const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com'];
  return execFileSync('git', [...identity, ...args], { cwd, encoding: 'utf8' }).trim();
}

function repositoryOf(image: number): string {
  return `r${image % REGISTRIES}.corp.io/team/app-${image}`;
}

function writeApplication(folder: string, index: number, tag: string): void {
  const at = path.join(folder, `app-${index}`);
  mkdirSync(at, { recursive: true });
  const images = Array.from({ length: IMAGES_EACH }, (_, each) => repositoryOf(index * IMAGES_EACH + each));
  const containers = images.map((image, each) => `        - { name: c${each}, image: ${image} }`).join('\n');
  writeFileSync(
    path.join(at, 'all.yaml'),
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: app-${index} }\nspec:\n  selector: { matchLabels: { app: a } }\n  template:\n    metadata: { labels: { app: a } }\n    spec:\n      containers:\n${containers}\n`,
  );
  const pins = images.map((image) => `  - name: ${image}\n    newTag: ${tag}`).join('\n');
  writeFileSync(path.join(at, 'kustomization.yaml'), `resources: [all.yaml]\nimages:\n${pins}\n`);
}

function updaterOf(index: number, url: string, source: string): Updater {
  const images = Array.from({ length: IMAGES_EACH }, (_, each): ImageRule => {
    const repository = repositoryOf(index * IMAGES_EACH + each);
    return {
      name: repository,
      where: 'bench',
      image: repository,
      repository,
      policy: { kind: 'commits', branch: 'main' },
      filter: { allow: '^sha-(?P<commit>[0-9a-f]{40})$', extract: '${commit}' },
      platforms: [{ os: 'linux', architecture: 'amd64' }],
      force: false,
      target: { kind: 'auto' },
      source,
    };
  });
  return {
    key: `Application/argocd/app-${index}`,
    origin: 'landfall.yaml',
    application: { namespace: 'argocd', name: `app-${index}` },
    git: { url, project: 'default', revision: 'main', path: `app-${index}` },
    images,
    commit: { author: { name: 'bench', email: 'bench@example.com' }, message: undefined },
    intervalMs: 120_000,
    perHour: 20,
    suspended: false,
  };
}

/** Commits of a source repository, newest first: one tag for each of the older ones. */
function makeSource(folder: string): readonly string[] {
  mkdirSync(folder);
  git(folder, 'init', '-q', '-b', 'main');
  const tree = git(folder, 'hash-object', '-t', 'tree', '-w', '/dev/null');
  let parent = '';
  for (let index = 0; index <= TAGS; index += 1) {
    const above = parent === '' ? [] : ['-p', parent];
    parent = git(folder, 'commit-tree', tree, ...above, '-m', `c${index}`);
  }
  git(folder, 'update-ref', 'refs/heads/main', parent);
  return git(folder, 'rev-list', 'main').split('\n');
}

export async function benchUpdates(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'landfall-bench-updates-'));
  const source = path.join(folder, 'source');
  const deployments = path.join(folder, 'deployments');
  const [news = '', ...older] = makeSource(source);
  const tags = older.map((commit) => `sha-${commit}`).toSorted();
  mkdirSync(deployments);
  git(deployments, 'init', '-q', '-b', 'main');
  for (let index = 0; index < APPLICATIONS; index += 1)
    writeApplication(deployments, index, `sha-${older[0] ?? ''}`);
  git(deployments, 'add', '-A');
  git(deployments, 'commit', '-q', '-m', 'begin');
  const server = path.join(folder, 'server.mjs');
  writeFileSync(server, SERVER);
  const child = spawn(process.execPath, [server, JSON.stringify([tags, `sha-${news}`])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const mirrors = createGitMirrors({ folder: path.join(folder, 'mirrors'), clock: systemClock });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const ports = JSON.parse(line.toString()) as readonly number[];
    const base = `http://127.0.0.1:${ports[0] ?? 0}`;
    const client = createRegistryClient({
      mirrors: Object.fromEntries(
        ports.map((port, index) => [`r${index}.corp.io`, { url: `http://127.0.0.1:${port}`, standIn: true }]),
      ),
    });
    const registries = createRegistries({ client: () => Promise.resolve(client), clock: systemClock });
    const cycle = createCycle({
      clock: systemClock,
      registries,
      ancestry: createAncestry((url) => Promise.resolve(mirrors.open(url))),
      edit: editImages,
      template: (text) => text,
      repository: ({ git: { url } }) => Promise.resolve(mirrors.open(url)),
      render: ({ git: { path: at } }, tree) => renderApplication(tree, at),
      platforms: () => Promise.resolve([]),
      holds: () => Promise.resolve([]),
      publish: createPublish({ clock: systemClock }),
    });
    const updaters = Array.from({ length: APPLICATIONS }, (_, index) =>
      updaterOf(index, deployments, source),
    );
    const measure = async (what: string): Promise<string> => {
      cycle.forget();
      await (await fetch(`${base}/count`)).text();
      globalThis.gc?.();
      const before = process.memoryUsage().heapUsed;
      const began = performance.now();
      const reports = await cycle.run(updaters, {}, signal);
      const took = performance.now() - began;
      globalThis.gc?.();
      const kept = process.memoryUsage().heapUsed - before;
      const counts = (await (await fetch(`${base}/count`)).json()) as Readonly<Record<string, number>>;
      const asked = Object.values(counts).reduce((sum, count) => sum + count, 0);
      const outcomes = new Map<string, number>();
      for (const { outcome } of reports) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const list = (entries: Iterable<readonly [string, number]>) =>
        [...entries].map(([name, count]) => `${count} ${name}`).join(', ');
      return `| ${what} | ${asked} | ${list(Object.entries(counts))} | ${milliseconds(took)} | ${mebibytes(kept)} | ${list(outcomes)} |`;
    };
    const rows = [await measure('from nothing'), await measure('nothing changed')];
    await fetch(`${base}/push`);
    rows.push(await measure('a new image in every registry'), await measure('nothing changed again'));
    client.close();
    return [
      '## Image updates',
      '',
      `${APPLICATIONS} applications with ${IMAGES_EACH} images each, over ${REGISTRIES} registries, ${TAGS} tags an image, ordered by the commits of a source repository. Without the pace of 20 requests a second and registry, which ${APPLICATIONS} requests to each would take 5 s under.`,
      '',
      '| cycle | requests | which | time | memory kept | applications |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
      '',
    ].join('\n');
  } finally {
    child.kill();
    mirrors.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
