import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LandfallError } from '../kernel/index.ts';
import {
  familiarName,
  formatReference,
  parseCanonical,
  parseReference,
  parseReferenceOrDigest,
  parseWritten,
  pulledReference,
} from './reference.ts';

interface Row {
  readonly id: string;
  readonly function: string;
  readonly input?: string;
  readonly name?: string;
  readonly domain?: string;
  readonly path?: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly string?: string;
  readonly familiarName?: string;
  readonly valid?: boolean;
  readonly error?: string;
  readonly pattern?: string;
}

const folder = process.env['LANDFALL_CONFORMANCE'] ?? join(process.cwd(), '..', 'shared', 'conformance');
const file = join(folder, 'images', 'image-references.json');
const there = existsSync(file);
const rows = there ? (JSON.parse(readFileSync(file, 'utf8')) as readonly Row[]) : [];

/** The names that distribution/reference gives to our codes. */
const ERRORS: Readonly<Record<string, string>> = {
  ErrNameEmpty: 'reference-empty',
  ErrReferenceInvalidFormat: 'reference-invalid',
  ErrTagInvalidFormat: 'reference-invalid',
  ErrDigestInvalidFormat: 'reference-invalid',
  ErrNameContainsUppercase: 'reference-uppercase',
  ErrNameTooLong: 'reference-too-long',
  ErrNameNotCanonical: 'reference-not-canonical',
  ErrDigestUnsupported: 'digest-unsupported',
  ErrDigestInvalidLength: 'digest-invalid',
};

/** What our own functions make of a row, in the row's words. */
function answer(row: Row): Readonly<Record<string, string | undefined>> {
  const input = row.input ?? '';
  switch (row.function) {
    case 'Parse': {
      const { domain, path, tag, digest } = parseWritten(input);
      const repository = domain === '' ? path : `${domain}/${path}`;
      const string = `${repository}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
      return { repository, domain, path, tag, digest, string };
    }
    case 'WithName': {
      // A name alone: whatever would begin a tag or digest is no part of one.
      if (input === '' || input.includes('@')) throw refused('reference-invalid');
      const { domain, path, tag } = parseWritten(input);
      if (tag !== '') throw refused('reference-invalid');
      return { domain, path };
    }
    case 'WithTag':
    case 'WithDigest': {
      const from = parseWritten(row.name ?? input);
      const reference = parseReference(
        from.domain === '' ? `docker.io/${from.path}` : `${from.domain}/${from.path}`,
      );
      const { tag = '', digest = '' } = row;
      const string = formatReference({
        ...reference,
        ...(tag === '' ? {} : { tag }),
        ...(digest === '' ? {} : { digest }),
      });
      return { tag, digest, string: from.domain === '' ? string.replace('docker.io/library/', '') : string };
    }
    case 'ParseNamed': {
      const { registry, repository } = parseCanonical(input);
      return { domain: registry, path: repository };
    }
    case 'ParseNormalizedNamed': {
      const reference = parseReference(input);
      return {
        domain: reference.registry,
        path: reference.repository,
        string: formatReference(reference),
        familiarName: familiarName(reference),
        tag: reference.tag ?? '',
        digest: reference.digest ?? '',
      };
    }
    case 'ParseAnyReference': {
      const found = parseReferenceOrDigest(input);
      return {
        string: 'registry' in found ? formatReference(found) : found.digest,
        digest: found.digest ?? '',
      };
    }
    case 'ParseDockerRef':
      return { string: formatReference(pulledReference(parseReference(input))) };
    default:
      throw new Error(`no such function: ${row.function}`);
  }
}

function refused(code: string): LandfallError {
  return new LandfallError('refused', { kind: 'invalid-input', code });
}

function differences(row: Row): readonly string[] {
  const mustFail = row.error !== undefined || row.valid === false;
  let found: Readonly<Record<string, string | undefined>>;
  try {
    found = answer(row);
  } catch (error) {
    if (!(error instanceof LandfallError)) throw error;
    if (!mustFail) return [`${row.id}: refused with ${error.code}`];
    const wanted = row.error === undefined || row.error === 'any' ? error.code : ERRORS[row.error];
    return wanted === error.code ? [] : [`${row.id}: ${error.code}, wanted ${wanted ?? row.error ?? ''}`];
  }
  if (mustFail) return [`${row.id}: accepted, wanted ${row.error ?? 'an error'}`];
  return (['repository', 'domain', 'path', 'tag', 'digest', 'string', 'familiarName'] as const).flatMap(
    (key) => {
      const wanted = (row as unknown as Readonly<Record<string, string | undefined>>)[key];
      if (wanted === undefined || !(key in found) || found[key] === wanted) return [];
      return [`${row.id}: ${key} is '${found[key] ?? ''}', wanted '${wanted}'`];
    },
  );
}

describe('image references', () => {
  // FamiliarMatch compares names with shell patterns, which nothing here does.
  const judged = rows.filter((row) => row.function !== 'FamiliarMatch');

  it.skipIf(!there)(
    `are parsed as distribution/reference parses them${there ? '' : ` (skipped: no ${file})`}`,
    () => {
      expect(judged.length).toBeGreaterThan(50);
      expect(judged.flatMap(differences)).toEqual([]);
    },
  );

  it('fill in what Docker Hub leaves out', () => {
    expect(parseReference('nginx')).toEqual({ registry: 'docker.io', repository: 'library/nginx' });
    expect(parseReference('index.docker.io/team/app:1')).toEqual({
      registry: 'docker.io',
      repository: 'team/app',
      tag: '1',
    });
    expect(parseReference('localhost/app').registry).toBe('localhost');
    expect(parseReference('registry.corp.io:5000/app').registry).toBe('registry.corp.io:5000');
  });

  it('come back as text in full', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const text = `registry.corp.io/team/app:2.5.0@${digest}`;
    expect(formatReference(parseReference(text))).toBe(text);
    expect(formatReference(pulledReference(parseReference(text)))).toBe(
      `registry.corp.io/team/app@${digest}`,
    );
    expect(formatReference(pulledReference(parseReference('app')))).toBe('docker.io/library/app:latest');
  });

  it('are refused with what is wrong and what to write instead', () => {
    const failure = (text: string) => {
      try {
        parseReference(text);
      } catch (error) {
        return error as LandfallError;
      }
      throw new Error(`${text} was accepted`);
    };
    expect(failure('').code).toBe('reference-empty');
    expect(failure('registry.corp.io/App')).toMatchObject({
      kind: 'invalid-input',
      code: 'reference-uppercase',
    });
    expect(failure('app@sha256:abc').code).toBe('reference-invalid');
    expect(failure(`app@sha256:${'A'.repeat(64)}`).code).toBe('digest-invalid');
    expect(failure('app:tag with spaces').hint).toContain('[:TAG]');
    expect(failure('a'.repeat(100_000)).message.length).toBeLessThan(400);
  });

  it('are refused quickly however they are made', () => {
    const started = performance.now();
    for (const part of ['a-', '-', 'a.', '_', 'a/', ':', '@', 'a__']) {
      expect(() => parseReference(`${part.repeat(1300)}!`)).toThrow(LandfallError);
    }
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
