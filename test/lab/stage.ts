import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { NGINX_VERSIONS, nginxFiles, platformRepositoryFiles } from '../../examples/payment-api/index.ts';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import { runGit } from '../../src/git/index.ts';
import { parseYamlDocuments, yamlToJson } from '../../src/kernel/index.ts';
import type { KubeObject } from '../../src/kube/index.ts';
import type { ChangeReport } from '../../src/pipeline/index.ts';
import { openStage } from '../cli/stage.ts';
import type { Stage, StageOptions } from '../cli/stage.ts';
import type { RunOptions } from '../cli/terminal.ts';

/** The lab: a cluster with the images, a controller, and the platform repository. */
export interface Lab extends Stage {
  /** Commits the files as they are in the document, and what is given over them. */
  onboard(over?: Readonly<Record<string, string>>): Promise<string>;
  /** Hands the Application of an environment to the controller, changed where the test says so. */
  register(
    environment: 'dev' | 'staging' | 'prod',
    change?: (application: KubeObject) => KubeObject,
  ): Promise<void>;
  /** Makes a branch at the tip. */
  branch(name: string): Promise<void>;
  /** The text of a file at the tip. */
  read(file: string): Promise<string>;
  /** `landfall promote` or `rollback` with `-o json`, asked from the repository. */
  change(args: readonly string[], options?: RunOptions): Promise<Changed>;
  /** Proves an Application until it has landed: an engine that has just begun may be met in its first sync. */
  landed(name: string): Promise<void>;
  /** A kubeconfig with which the API server takes one for somebody else. */
  as(name: string, ...groups: readonly string[]): Promise<string>;
}

export interface Changed {
  readonly code: number;
  readonly err: string;
  readonly report: ChangeReport;
}

export interface LabOptions extends StageOptions {
  /** Leaves the probe as it is in the document: three seconds a pod, which every rollout pays. Default false. */
  readonly patientProbe?: boolean;
}

const DEPLOYMENT = 'apps/payment-api/base/deployment.yaml';

/** The platform repository, on the same lines, with pods that are ready as soon as they answer. */
async function briskFiles(repository: string): Promise<Readonly<Record<string, string>>> {
  const files = await platformRepositoryFiles(repository);
  const patient = files[DEPLOYMENT] ?? '';
  const brisk = patient
    .replace('initialDelaySeconds: 3', 'initialDelaySeconds: 0')
    .replace('periodSeconds: 5', 'periodSeconds: 1');
  if (brisk === patient) throw new Error(`${DEPLOYMENT} has no probe to shorten`);
  return { ...files, [DEPLOYMENT]: brisk };
}

async function kubeconfigAs(
  { kubeconfig, home }: Stage,
  name: string,
  groups: readonly string[],
): Promise<string> {
  const text = await readFile(kubeconfig, 'utf8');
  const person = `as: ${name}, as-groups: [${groups.join(', ')}], `;
  const changed = text.includes('user: {')
    ? text.replace('user: {', `user: { ${person}`)
    : text.replace(/^(\s*)(token:.*)$/m, (_line, indent: string, token: string) =>
        [token, `as: ${name}`, `as-groups: [${groups.join(', ')}]`].map((each) => indent + each).join('\n'),
      );
  expect(changed).not.toBe(text);
  const file = path.join(home, `${name}.kubeconfig`);
  await writeFile(file, changed);
  return file;
}

export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const stage = await openStage(options);
  for (const version of NGINX_VERSIONS) {
    const source = await createRepository(path.join(stage.home, `source-${version}`));
    await commitAll(source, await nginxFiles(version));
    const built = await stage.run(['image', 'build', source, '-t', `docker.io/library/nginx:${version}`]);
    if (built.code !== 0) throw new Error(built.err);
  }
  const read = (file: string) => readFile(path.join(stage.repository, file), 'utf8');
  return {
    ...stage,
    read,
    async change(args, options = {}) {
      const { code, out, err } = await stage.run([...args, '-o', 'json'], {
        cwd: stage.repository,
        ...options,
      });
      if (out === '') throw new Error(`no answer to ${args.join(' ')}: ${err}`);
      return { code, err, report: JSON.parse(out) as ChangeReport };
    },
    async landed(name) {
      let { proof } = await stage.prove(name, ['--wait', '20s']);
      for (let left = 9; left > 0 && proof.verdict.summary !== 'landed'; left -= 1)
        ({ proof } = await stage.prove(name, ['--wait', '20s']));
      expect(proof.verdict.summary, JSON.stringify(proof.boundaries, undefined, 1)).toBe('landed');
    },
    as: (name, ...groups) => kubeconfigAs(stage, name, groups),
    async branch(name) {
      await runGit('Making a branch', ['branch', name], { cwd: stage.repository });
    },
    onboard: async (over = {}) =>
      stage.commit({
        ...(await (options.patientProbe === true ? platformRepositoryFiles : briskFiles)(stage.repository)),
        ...over,
      }),
    async register(environment, change = (application) => application) {
      const [document] = parseYamlDocuments(
        await read(`platform/clusters/${environment}/payment-api-application.yaml`),
        { source: 'application' },
      );
      if (document === undefined) throw new Error('no application');
      await stage.kube.create(change(yamlToJson(document) as KubeObject), {});
    },
  };
}
