import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import type { Stage } from '../cli/stage.ts';
import { REGISTRY } from '../cli/stage.ts';

/** Whether the program that renders charts is there; tests that need it say so and are skipped. */
export function hasHelm(): boolean {
  try {
    execFileSync('helm', ['version', '--short'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A Deployment of one pod with its Service, and a ConfigMap that holds what came from a Secret. */
export function chartFiles(version: string): Readonly<Record<string, string>> {
  return {
    'Chart.yaml': `apiVersion: v2\nname: shop\nversion: ${version}\n`,
    'values.yaml': 'image: { tag: "1.0.0" }\nmode: web\nreplicas: 1\npassword: none\n',
    'templates/config.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: "{{ .Release.Name }}-config" }
data: { password: "{{ .Values.password }}", version: "{{ .Chart.Version }}" }
`,
    'templates/invented.yaml': `apiVersion: v1
kind: Secret
metadata: { name: "{{ .Release.Name }}-invented" }
stringData: { key: "{{ randAlphaNum 20 }}", user: shop }
`,
    'templates/web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: "{{ .Release.Name }}" }
spec:
  replicas: {{ .Values.replicas }}
  progressDeadlineSeconds: 20
  selector: { matchLabels: { app: "{{ .Release.Name }}" } }
  template:
    metadata: { labels: { app: "{{ .Release.Name }}" } }
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: main
          image: "${REGISTRY}/app:{{ .Values.image.tag }}"
          env: [{ name: MODE, value: "{{ .Values.mode }}" }]
          ports: [{ containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /ready, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: "{{ .Release.Name }}" }
spec: { selector: { app: "{{ .Release.Name }}" }, ports: [{ port: 80, targetPort: 8080 }] }
`,
  };
}

/** Builds and pushes another program under a tag of the same repository. */
export async function pushProgram(stage: Stage, tag: string, told: string): Promise<void> {
  const source = await createRepository(path.join(stage.home, `source-${tag}-${told}`));
  const program = `require('node:http').createServer((request, response) => {
  response.statusCode = process.env.MODE === 'never' && request.url === '/ready' ? 503 : 200;
  response.end('${told}');
}).listen(8080);
process.on('SIGTERM', () => process.exit(0));
`;
  await commitAll(source, { 'server.js': program, 'package.json': `{"name":"app","version":"${told}"}` });
  const built = await stage.run(['image', 'build', source, '-t', `${REGISTRY}/app:${tag}`]);
  if (built.code !== 0) throw new Error(built.err);
}

/** A package of the chart, as `helm package` makes it. */
export async function packChart(folder: string, version: string): Promise<string> {
  const source = path.join(folder, `source-${version}`, 'shop');
  for (const [name, text] of Object.entries(chartFiles(version))) {
    await mkdir(path.dirname(path.join(source, name)), { recursive: true });
    await writeFile(path.join(source, name), text);
  }
  const packed = path.join(folder, 'packed');
  await mkdir(packed, { recursive: true });
  execFileSync('helm', ['package', source, '-d', packed], { stdio: 'ignore' });
  return path.join(packed, `shop-${version}.tgz`);
}

export interface ChartServer extends AsyncDisposable {
  readonly url: string;
  /** Puts another version into the index. */
  add(version: string): Promise<void>;
}

/** A Helm repository over HTTP. */
export async function serveCharts(folder: string, versions: readonly string[]): Promise<ChartServer> {
  const packed = path.join(folder, 'packed');
  const add = async (version: string) => {
    await packChart(folder, version);
    execFileSync('helm', ['repo', 'index', packed], { stdio: 'ignore' });
  };
  for (const version of versions) await add(version);
  const server = createServer((request, response) => {
    readFile(path.join(packed, path.basename(request.url ?? ''))).then(
      (content) => response.writeHead(200).end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
