import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { textOf } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { FLUX_FIELDS, refusedFields } from './fields.ts';
import type { Support } from './fields-support.ts';

const PAGE = path.resolve(import.meta.dirname, '../../../docs/flux.md');
const KINDS = [
  'GitRepository',
  'OCIRepository',
  'HelmRepository',
  'HelmChart',
  'Kustomization',
  'HelmRelease',
];

function said(support: Support): readonly [string, string] {
  if (support.how === 'yes') return ['yes', support.note ?? ''];
  if (support.how === 'idle') return ['accepted', `nothing to be done: ${support.why}`];
  if (support.how === 'no') return ['refused', support.why];
  return [
    support.values.map((value) => `only \`${textOf(value)}\``).join(', '),
    `else refused: ${support.why}`,
  ];
}

function page(): string {
  const tables = KINDS.map((kind) => {
    const rows = Object.entries(FLUX_FIELDS[kind] ?? {}).map(([field, support]) => {
      const [what, note] = said(support);
      return `| \`${field}\` | ${what} | ${note} |`;
    });
    return `## ${kind}\n\n| spec | honoured | |\n| --- | --- | --- |\n${rows.join('\n')}`;
  });
  return `# Flux: every field, and what becomes of it

Objects of Flux are read as they are. A field that is not honoured is refused: Ready is False, Stalled is True, reason
\`Unsupported\`, and the message names it. So is a field that no table here knows. Nothing is passed over in silence.

A Bucket is watched and refused with what to do instead (an OCIRepository, or Git); so is an ExternalArtifact where
something refers to it.

This page is written by its test (\`LANDFALL_GOLDEN=1 npx vitest run src/controller/flux/fields.test.ts\`).

${tables.join('\n\n')}
`;
}

function object(kind: string, spec: JsonObject): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'x' }, spec };
}

describe('a spec of Flux', () => {
  it('has a row for every field on the published page', () => {
    if (process.env['LANDFALL_GOLDEN'] === '1') writeFileSync(PAGE, page());
    expect(readFileSync(PAGE, 'utf8')).toBe(page());
  });

  it.each([
    ['what is done', 'GitRepository', { url: 'u', ref: { branch: 'b' }, verify: { mode: 'HEAD' } }, []],
    [
      'what says nothing',
      'HelmRelease',
      { upgrade: { preserveValues: false }, values: { any: { thing: 1 } } },
      [],
    ],
    ['the one value that is done', 'OCIRepository', { provider: 'generic' }, []],
    [
      'another one',
      'OCIRepository',
      { provider: 'aws' },
      [expect.stringMatching(/^spec\.provider 'aws' is not supported by this controller: /) as string],
    ],
    [
      'what is not done, however deep',
      'Kustomization',
      { decryption: { provider: 'sops', serviceAccountName: 'keys' } },
      [expect.stringContaining('spec.decryption.serviceAccountName is not supported') as string],
    ],
    [
      'what nobody knows',
      'HelmRelease',
      { install: { teleport: true } },
      ['spec.install.teleport is not known to this controller; nothing is done while it is there'],
    ],
    ['kinds that have no table', 'Receiver', { anything: 1 }, []],
  ] as const)('%s', (_, kind, spec, refused) => {
    expect(refusedFields(object(kind, spec))).toEqual(refused);
  });
});
