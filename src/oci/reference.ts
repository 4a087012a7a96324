import { LandfallError } from '../kernel/index.ts';
import { isDigest } from './digest.ts';

/** Where an image is: `docker.io`, `library/nginx`, and a tag, a digest, both or none. */
export interface ImageReference {
  /** Host and port; `docker.io` for Docker Hub. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** A reference whose digest is known. */
export interface PinnedReference extends ImageReference {
  readonly digest: string;
}

/** A reference as written, before Docker Hub's abbreviations are filled in. */
export interface WrittenReference {
  /** '' where none is written. */
  readonly domain: string;
  readonly path: string;
  readonly tag: string;
  readonly digest: string;
}

export type ReferenceProblem =
  | 'reference-empty'
  | 'reference-invalid'
  | 'reference-uppercase'
  | 'reference-too-long'
  | 'reference-not-canonical'
  | 'digest-unsupported'
  | 'digest-invalid';

// The grammar of distribution/reference (reference.go, regexp.go).
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const HOST = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])`;
const DOMAIN = `${HOST}(?::[0-9]+)?`;
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const PATH = `${COMPONENT}(?:/${COMPONENT})*`;
const NAME = `(?:${DOMAIN}/)?${PATH}`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const REFERENCE = new RegExp(`^(${NAME})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const SPLIT_NAME = new RegExp(`^(?:(${DOMAIN})/)?(${PATH})$`);
const WHOLE_TAG = new RegExp(`^${TAG}$`);
const IDENTIFIER = /^[a-f0-9]{64}$/;
const PATH_LIMIT = 255;
/** Longer than any valid reference: 253 of host, 255 of path, 128 of tag, a digest. */
const LENGTH_LIMIT = 4096;

const HUB = 'docker.io';
const HUB_LEGACY = 'index.docker.io';
const HUB_OFFICIAL = 'library/';

function refuse(text: string, code: ReferenceProblem, why: string, hint: string): LandfallError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new LandfallError(`'${shown}' is not an image reference: ${why}.`, {
    kind: 'invalid-input',
    code,
    object: shown,
    hint,
  });
}

/** Splits a reference as it is written, with the grammar of distribution/reference. */
export function parseWritten(text: string): WrittenReference {
  const form = 'Write it as [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST].';
  if (text === '') throw refuse(text, 'reference-empty', 'it is empty', form);
  const matched = text.length > LENGTH_LIMIT ? null : REFERENCE.exec(text);
  if (matched === null) {
    if (text.length <= LENGTH_LIMIT && REFERENCE.test(text.toLowerCase())) {
      throw refuse(text, 'reference-uppercase', 'the name has upper-case letters', 'Write it in lower case.');
    }
    throw refuse(text, 'reference-invalid', 'it does not have the form of one', form);
  }
  const [, name = '', tag = '', digest = ''] = matched;
  const [, domain = '', path = name] = SPLIT_NAME.exec(name) ?? [];
  if (path.length > PATH_LIMIT) {
    throw refuse(text, 'reference-too-long', `the name is longer than ${PATH_LIMIT} characters`, form);
  }
  if (digest !== '') checkWrittenDigest(text, digest);
  return { domain, path, tag, digest };
}

function checkWrittenDigest(text: string, digest: string): void {
  if (isDigest(digest)) return;
  if (digest.startsWith('sha256:')) {
    throw refuse(
      text,
      'digest-invalid',
      'its digest is not 64 lower-case hexadecimal digits',
      'Copy it whole.',
    );
  }
  throw refuse(text, 'digest-unsupported', 'its digest is not a sha256 digest', 'Use the sha256 digest.');
}

/**
 * Parses and normalises as Docker does: `nginx` is `docker.io/library/nginx`, `index.docker.io` is `docker.io`. No
 * tag is added. Throws `invalid-input` with a `ReferenceProblem` as its code.
 */
export function parseReference(text: string): ImageReference {
  if (IDENTIFIER.test(text)) {
    throw refuse(
      text,
      'reference-invalid',
      '64 hexadecimal digits are an identifier',
      'Write sha256: before it.',
    );
  }
  const { domain, rest } = splitDomain(text);
  const name = rest.split(':', 1)[0] ?? '';
  if (name !== name.toLowerCase()) {
    throw refuse(text, 'reference-uppercase', 'the name has upper-case letters', 'Write it in lower case.');
  }
  const written = parseWritten(text === '' ? '' : `${domain}/${rest}`);
  return {
    registry: written.domain,
    repository: written.path,
    ...(written.tag === '' ? {} : { tag: written.tag }),
    ...(written.digest === '' ? {} : { digest: written.digest }),
  };
}

function splitDomain(text: string): { readonly domain: string; readonly rest: string } {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  const domain = !isDomain || first === HUB_LEGACY ? HUB : first;
  const rest = isDomain ? text.slice(slash + 1) : text;
  return { domain, rest: domain === HUB && !rest.includes('/') ? `${HUB_OFFICIAL}${rest}` : rest };
}

/** A reference that must be written in full: `docker.io/library/nginx`, not `nginx`. */
export function parseCanonical(text: string): ImageReference {
  const reference = parseReference(text);
  if (formatReference(reference) === text) return reference;
  throw refuse(text, 'reference-not-canonical', 'it is abbreviated', `Write ${formatReference(reference)}.`);
}

/** A reference, or a bare digest (`sha256:…` or its 64 digits), as runtimes write image identities. */
export function parseReferenceOrDigest(text: string): ImageReference | { readonly digest: string } {
  if (IDENTIFIER.test(text)) return { digest: `sha256:${text}` };
  return isDigest(text) ? { digest: text } : parseReference(text);
}

/** The reference in full. */
export function formatReference(reference: ImageReference): string {
  const { registry, repository, tag, digest } = reference;
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The short name that people write: `nginx` for `docker.io/library/nginx`, without tag and digest. */
export function familiarName(reference: ImageReference): string {
  const { registry, repository } = reference;
  if (registry !== HUB) return `${registry}/${repository}`;
  const official = repository.startsWith(HUB_OFFICIAL) ? repository.slice(HUB_OFFICIAL.length) : repository;
  return official.includes('/') ? repository : official;
}

/**
 * What a runtime pulls: a digest decides alone, and nothing means `:latest` (containerd drops the tag of
 * `name:tag@digest`).
 */
export function pulledReference(reference: ImageReference): ImageReference {
  const { registry, repository, tag, digest } = reference;
  if (digest !== undefined) return { registry, repository, digest };
  return { registry, repository, tag: tag ?? 'latest' };
}

export function isTag(text: string): boolean {
  return WHOLE_TAG.test(text);
}
