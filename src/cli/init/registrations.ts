import path from 'node:path';
import { getArray, getObject, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';

/** The manifest that hands a folder to a controller. */
export interface Registration {
  readonly name: string;
  readonly file: string;
}

/** What the manifests of a repository hand to controllers, by folder; the first of each stays. */
export interface Registrations {
  /** By Applications. */
  readonly applications: ReadonlyMap<string, Registration>;
  /** By Kustomizations of Flux. */
  readonly flux: ReadonlyMap<string, Registration>;
}

interface Manifest {
  readonly file: string;
  readonly document: JsonValue;
}

function folderOf(text: string): string {
  return path.posix.normalize(text).replace(/\/$/, '');
}

/**
 * Where a folder of an artifact comes from in this repository, by the generator that lies beside its consumer.
 * Source: fluxcd/source-watcher, ArtifactGenerator `copy`.
 */
function beforeCopying(
  delivered: string,
  artifact: string,
  near: string,
  manifests: readonly Manifest[],
): string | undefined {
  const copies = manifests
    .filter(
      ({ file, document }) => path.posix.dirname(file) === near && kindOf(document) === 'ArtifactGenerator',
    )
    .flatMap(({ document }) => getArray(document, 'spec', 'artifacts'))
    .filter((made) => getString(made, 'name') === artifact)
    .flatMap((made) => getArray(made, 'copy'))
    .flatMap((copy) => {
      const from = /^@[^/]+\/(.*?)\/?\*\*$/.exec(getString(copy, 'from') ?? '')?.[1];
      const to = /^@artifact\/(.*)$/.exec(getString(copy, 'to') ?? '')?.[1];
      return from === undefined || to === undefined ? [] : [{ from, to: folderOf(to) }];
    })
    .toSorted((a, b) => b.to.length - a.to.length);
  for (const { from, to } of copies) {
    if (to === '.') return folderOf(path.posix.join(from, delivered));
    if (delivered === to || delivered.startsWith(`${to}/`))
      return folderOf(path.posix.join(from, delivered.slice(to.length)));
  }
  return undefined;
}

function kindOf(document: JsonValue): string | undefined {
  return getString(document, 'kind');
}

function isFlux(document: JsonValue): boolean {
  return (
    kindOf(document) === 'Kustomization' &&
    getString(document, 'apiVersion')?.startsWith('kustomize.toolkit.fluxcd.io/') === true
  );
}

/** Whether a manifest says anything about who delivers what. */
export function isRegistering(document: JsonValue): boolean {
  return ['Application', 'ArtifactGenerator'].includes(kindOf(document) ?? '') || isFlux(document);
}

/** Reads manifests that `isRegistering` chose. */
export function readRegistrations(manifests: readonly Manifest[]): Registrations {
  const applications = new Map<string, Registration>();
  const flux = new Map<string, Registration>();
  for (const { file, document } of manifests) {
    const name = getString(document, 'metadata', 'name');
    if (name === undefined) continue;
    if (kindOf(document) === 'Application') {
      for (const source of [
        getObject(document, 'spec', 'source'),
        ...getArray(document, 'spec', 'sources'),
      ]) {
        const delivered = getString(source, 'path');
        if (delivered !== undefined) applications.set(folderOf(delivered), { name, file });
      }
    }
    if (!isFlux(document)) continue;
    const delivered = folderOf(getString(document, 'spec', 'path') ?? '.');
    const source = getObject(document, 'spec', 'sourceRef');
    const folder =
      getString(source, 'kind') === 'ExternalArtifact'
        ? beforeCopying(delivered, getString(source, 'name') ?? '', path.posix.dirname(file), manifests)
        : delivered;
    if (folder !== undefined && !flux.has(folder)) flux.set(folder, { name, file });
  }
  return { applications, flux };
}

/**
 * Who delivers a folder. Of a folder without a kustomization Flux takes everything that lies below it, as far as
 * `hasKustomization` says that there is none between.
 */
export function registrationOf(
  folder: string,
  { applications, flux }: Registrations,
  hasKustomization: (folder: string) => boolean,
): Registration | undefined {
  const own = applications.get(folder) ?? flux.get(folder);
  if (own !== undefined || folder === '.') return own;
  for (let above = path.posix.dirname(folder); !hasKustomization(above); above = path.posix.dirname(above)) {
    const whole = flux.get(above);
    if (whole !== undefined || above === '.') return whole;
  }
  return undefined;
}
