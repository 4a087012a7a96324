import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  compileHealthRules,
  decideHealth,
  ENGINES,
  engineReading,
  healthOffline,
  lookAtHealth,
  objectHealth,
  tidied,
} from '../../boundaries/index.ts';
import type {
  BoundaryReport,
  EngineReading,
  HealthRules,
  HealthSubject,
  ObjectHealth,
} from '../../boundaries/index.ts';
import {
  getArray,
  isJsonObject,
  LandfallError,
  messageOf,
  parseYamlDocuments,
  yamlToJson,
} from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { objectName, refOf } from '../../kube/index.ts';
import type { KubeObject, ObjectRef } from '../../kube/index.ts';
import { parseLandfallYaml } from '../../pipeline/index.ts';
import { prove } from '../../verdict/index.ts';
import type { HealthOptions } from '../commands/health.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { renderHealth } from '../output/health.ts';
import { asking } from './asking.ts';

/** The answer for one object, as `-o json` has it. */
export interface ObjectAnswer extends ObjectHealth {
  readonly name: string;
  readonly ref: ObjectRef;
  /** What the engines say; null where Argo CD has no opinion, or the object could not be read. */
  readonly engines: Readonly<Record<'argocd' | 'kstatus', Omit<EngineReading, 'engine'> | null>>;
}

export interface HealthAnswer {
  /** Name of the application, or of the file. */
  readonly subject: string;
  readonly state: BoundaryReport['state'];
  readonly objects: readonly ObjectAnswer[];
  readonly claims: BoundaryReport['claims'];
  /** ISO 8601. */
  readonly at: string;
}

const MAX_FILE = 16 * 1024 * 1024;

function wrongUse(message: string, hint: string): LandfallError {
  return new LandfallError(message, { kind: 'invalid-input', code: 'usage', hint });
}

/** Prints the health of each object of an application or a file, and gives the exit code. */
export async function answerHealth(
  application: string | undefined,
  options: HealthOptions,
  io: CliIo,
): Promise<number> {
  if ((application === undefined) === (options.filename === undefined))
    throw wrongUse(
      'Either an application or a file of objects is wanted.',
      'landfall health APP, or landfall health --filename FILE.',
    );
  if (options.rules !== undefined && options.filename === undefined)
    throw wrongUse(
      'The rules of an application are those of landfall.yaml at its tracked commit.',
      'Leave --rules out, or judge a file with --filename.',
    );
  const answer =
    options.filename === undefined
      ? await ofApplication(application ?? '', options, io)
      : await ofFile(options.filename, options, io);
  io.out(
    formatAnswer(options.output, answer, () =>
      renderHealth(answer, options.engineCompatible, io.clock.now(), outStyle(io)),
    ),
  );
  if (answer.state === 'broken') return EXIT.broken;
  return answer.state === 'proven' || answer.state === 'not-applicable' ? EXIT.ok : EXIT.unproven;
}

async function ofApplication(application: string, options: HealthOptions, io: CliIo): Promise<HealthAnswer> {
  return asking({ ...options, application }, options, io, async ({ sources, question }) => {
    const { material } = await prove(sources, question, io.signal);
    if (material.rendered.length === 0) {
      throw new LandfallError(
        `What ${application} is made of is not known: ${material.render.detail || material.render.reason}.`,
        {
          kind: 'unavailable',
          code: 'nothing-rendered',
          object: application,
          hint: `landfall prove ${application} says at which boundary it stops.`,
        },
      );
    }
    const objects = material.rendered.map((facts) => facts.object);
    const rules = compileHealthRules(material.healthRules ?? []);
    return answerOf(application, await lookAtHealth(sources.kube, objects, rules, io.signal), io);
  });
}

async function ofFile(filename: string, options: HealthOptions, io: CliIo): Promise<HealthAnswer> {
  const text = filename === '-' ? await io.stdin() : await textOf(filename, io);
  const source = filename === '-' ? 'standard input' : filename;
  const objects = objectsOf(text, source);
  return answerOf(source, healthOffline(objects, await rulesOf(options, io)), io);
}

async function rulesOf({ rules }: HealthOptions, io: CliIo): Promise<HealthRules | undefined> {
  if (rules === undefined) return undefined;
  return compileHealthRules(parseLandfallYaml(await textOf(rules, io), rules).health ?? []);
}

async function textOf(filename: string, io: CliIo): Promise<string> {
  const file = path.resolve(io.cwd, filename);
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE) throw new Error(`it has ${size} bytes, ${MAX_FILE} are the limit`);
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new LandfallError(`Could not read ${filename}: ${messageOf(thrown)}.`, {
      kind: 'invalid-input',
      code: 'file-unreadable',
      object: filename,
      hint: 'Name a file of Kubernetes objects, as YAML or JSON; - is the standard input.',
      cause: thrown,
    });
  }
}

/** A manifest need not have a name to be judged: what it says of itself is in its status. */
function objectOf(value: JsonValue | undefined): KubeObject | undefined {
  if (!isJsonObject(value)) return undefined;
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  const metadata = isJsonObject(value['metadata']) ? value['metadata'] : {};
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : '(unnamed)';
  return tidied({ ...value, apiVersion, kind, metadata: { ...metadata, name } });
}

/** The objects of a file; a List gives its items. Throws `invalid-input` with the line of what is none. */
function objectsOf(text: string, source: string): readonly KubeObject[] {
  const objects = parseYamlDocuments(text, { source }).flatMap((node) => {
    const value = yamlToJson(node);
    if (value === null) return [];
    const items = isJsonObject(value) && Array.isArray(value['items']) ? getArray(value, 'items') : [value];
    return items.map((item) => {
      const object = objectOf(item);
      if (object !== undefined) return object;
      throw new LandfallError(`${node.where}: an object with apiVersion and kind is wanted.`, {
        kind: 'invalid-input',
        code: 'no-object',
        object: node.where,
        hint: 'kubectl get KIND NAME -o yaml prints one.',
      });
    });
  });
  if (objects.length > 0) return objects;
  throw new LandfallError(`${source} holds no object.`, {
    kind: 'invalid-input',
    code: 'no-object',
    object: source,
    hint: 'kubectl get KIND NAME -o yaml prints one.',
  });
}

function answerOf(subject: string, subjects: readonly HealthSubject[], io: CliIo): HealthAnswer {
  const now = io.clock.now();
  const at = new Date(now).toISOString();
  const report = decideHealth(subjects, at);
  return {
    subject,
    state: report.state,
    objects: subjects.map((each) => ({
      name: objectName(each.object),
      ref: refOf(each.object),
      ...objectHealth(each, now),
      engines: enginesOf(each, now),
    })),
    claims: report.claims,
    at,
  };
}

function enginesOf({ live }: HealthSubject, now: number): ObjectAnswer['engines'] {
  const said = ENGINES.map((engine) => {
    if (live.state === 'absent')
      return [engine, { status: engine === 'argocd' ? 'Missing' : 'NotFound', message: '' }] as const;
    if (live.state !== 'read') return [engine, null] as const;
    const reading = engineReading(live.value, engine, now);
    return [
      engine,
      reading === undefined ? null : { status: reading.status, message: reading.message },
    ] as const;
  });
  return Object.fromEntries(said) as ObjectAnswer['engines'];
}
