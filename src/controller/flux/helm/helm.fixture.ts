import { execFileSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Stands in for helm where that is not installed: values, the release's name and crds/, and nothing else of its
 * templates. Where helm is on the PATH everything is run with it, too.
 */
const STAND_IN = `#!/usr/bin/env node
const fs = require('node:fs');
const yaml = require(${JSON.stringify(createRequire(import.meta.url).resolve('yaml'))});
const args = process.argv.slice(2);
const after = (name) => args.flatMap((arg, at) => args[at - 1] === name ? [arg] : []);
const merge = (a, b) => a && b && typeof a === 'object' && typeof b === 'object' && !Array.isArray(b)
  ? Object.keys(b).reduce((all, key) => ({ ...all, [key]: merge(a[key], b[key]) }), a) : b;
const values = after('--values').reduce((all, file) => merge(all, yaml.parse(fs.readFileSync(file, 'utf8'))),
  yaml.parse(fs.readFileSync('values.yaml', 'utf8')));
if (values.fails) { console.error('Error: execution error: ' + values.fails); process.exit(1); }
const scope = { Values: values, Release: { Name: after('--name-template')[0], Namespace: after('--namespace')[0] } };
const files = (folder) => fs.existsSync(folder) ? fs.readdirSync(folder).sort().map((name) => fs.readFileSync(folder + '/' + name, 'utf8')) : [];
const texts = [...(args.includes('--include-crds') ? files('crds') : []),
  ...files('templates').map((text) => text.replace(/{{ \\.([\\w.]+) }}/g, (_, path) => path.split('.').reduce((at, key) => at[key], scope))
    .replace(/{{- if .*}}|{{- end }}|{{ fail .*}}/g, ''))];
console.log(texts.join('\\n---\\n'));
`;

/** `helm`, where it is on the PATH. */
export function realHelm(): string | undefined {
  try {
    execFileSync('helm', ['version', '--short'], { stdio: 'ignore' });
    return 'helm';
  } catch {
    return undefined;
  }
}

export const hook = (when: string, more = '') => `    helm.sh/hook: ${when}\n${more}`;
export const job = (name: string, annotations: string) => `apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-${name}"
  annotations:
${annotations}spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: "registry.corp.io/${name}:1" }]
`;

/** The stand-in, as a program in a folder. */
export async function placeStandIn(folder: string): Promise<string> {
  const helm = join(folder, 'helm');
  await writeFile(helm, STAND_IN);
  await chmod(helm, 0o755);
  return helm;
}
