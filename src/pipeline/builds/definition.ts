import { createHash } from 'node:crypto';
import { withoutCredentials } from '../../git/index.ts';
import { isJsonObject, LandfallError } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { Build, BuildDefinition } from '../../ledger/index.ts';
import { isTag, parseReference } from '../../oci/index.ts';
import type { LandfallYaml } from '../landfall-yaml/index.ts';

/** One entry of `builds` in a landfall.yaml. */
export type BuildDeclaration = NonNullable<LandfallYaml['builds']>[string];
type ApprovalDeclaration = NonNullable<BuildDeclaration['approval']>;

/** What a build is made by: the declaration as it was, and who is who where that matters. */
export interface BuildPlan extends BuildDeclaration {
  readonly people?: Readonly<Record<string, readonly string[]>>;
}

/** A trigger of one deployment repository, as its default branch declares it now. */
export interface DeclaredBuild {
  readonly name: string;
  /** The deployment repository, without credentials. */
  readonly declaredIn: string;
  /** Commit of it. */
  readonly declaredAt: string;
  readonly plan: BuildPlan;
}

const MS = { minute: 60_000, day: 86_400_000 } as const;
export const DEFAULTS = {
  approvalExpiresMs: 30 * MS.day,
  /** As Cloud Build: what nobody has decided after two months is not built any more. */
  pendingMs: 60 * MS.day,
  buildMs: 30 * MS.minute,
} as const;

/** Every trigger that a file declares. */
export function declaredBuilds(
  file: LandfallYaml,
  repository: string,
  commit: string,
): readonly DeclaredBuild[] {
  return Object.entries(file.builds ?? {}).map(([name, declaration]) => ({
    name,
    declaredIn: withoutCredentials(repository),
    declaredAt: commit,
    plan:
      declaration.approval?.notAuthor === true && file.people !== undefined
        ? { ...declaration, people: file.people }
        : declaration,
  }));
}

/** The same text for the same content, whatever the order of the keys. */
function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`;
}

/** What an approval is bound to. Who is told is no part of what is built. */
export function definitionOf({ plan, declaredAt }: DeclaredBuild): BuildDefinition {
  const definition = JSON.parse(JSON.stringify(plan)) as JsonObject;
  const { notify: _notify, ...bound } = definition;
  const digest = createHash('sha256').update(canonical(bound)).digest('hex');
  return { definition, definitionDigest: `sha256:${digest}`, declaredAt };
}

/** The plan that was stored with a build: validated when the declaration was read. */
export function planOf(build: Build): BuildPlan {
  return build.definition as unknown as BuildPlan;
}

export function approvalOf(build: Build): ApprovalDeclaration | undefined {
  return planOf(build).approval;
}

export function tagOf(ref: string): string | undefined {
  return /^refs\/tags\/(.+)$/s.exec(ref)?.[1];
}

export function branchOf(ref: string): string | undefined {
  return /^refs\/heads\/(.+)$/s.exec(ref)?.[1];
}

/** `main`, `v1.2.3`: a ref as people call it. */
export function shortRef(ref: string): string {
  return branchOf(ref) ?? tagOf(ref) ?? ref;
}

/**
 * The reference that a build pushes. Throws `invalid-input` where the name of a Git tag cannot be the tag of an image:
 * nothing is shortened or replaced, since two tags of Git could become one.
 */
export function referenceOf(plan: BuildPlan, ref: string, commit: string): string {
  const gitTag = tagOf(ref);
  const template = plan.tag ?? (plan.on.tag === undefined ? 'sha-{commit}' : '{tag}');
  const tag = template.replaceAll('{commit}', commit).replaceAll('{tag}', gitTag ?? '');
  if (!isTag(tag)) {
    throw new LandfallError(
      `'${tag.slice(0, 150)}' cannot be the tag of an image: letters, digits, "_", "." and "-" can, 128 at most.`,
      {
        kind: 'invalid-input',
        code: 'build-image-tag',
        object: ref,
        hint: 'Name the tag in Git so that it can be one, or use {commit} in builds.NAME.tag.',
      },
    );
  }
  const reference = `${plan.image}:${tag}`;
  parseReference(reference);
  return reference;
}
