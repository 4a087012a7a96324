import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { BuildFact, DigestFact } from '../../verdict/index.ts';
import type { Block } from '../block.ts';
import type { Reading } from '../facts.ts';
import { parseCommand } from './command.ts';
import type { Command } from './command.ts';
import { artifactSource } from './objects.ts';

const DIGEST = /sha256:[0-9a-f]{6,}(?:(?:\.{3}|…)[0-9a-f]*)?/;

function referenceOf(command: Command): string | undefined {
  return command.words
    .slice(1)
    .map((word) => word.replace(/^(?:docker|oci|docker-daemon):\/\//, ''))
    .find((word) => /^[\w.-]+(?::\d+)?\/\S|^[\w.-]+:[\w.-]+$|^[\w-]+@sha256/.test(word));
}

const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [
    /MANIFEST_UNKNOWN|manifest unknown|manifest for .* not found|not found: manifest|no such manifest|404 Not Found/i,
    'MANIFEST_UNKNOWN',
  ],
  [/NAME_UNKNOWN|repository .*not found|name unknown/i, 'NAME_UNKNOWN'],
  [/UNAUTHORIZED|authentication required|no basic auth|401/i, 'UNAUTHORIZED'],
  [/DENIED|access denied|requested access|403/i, 'DENIED'],
  [/TOOMANYREQUESTS|toomanyrequests|429/i, 'TOOMANYREQUESTS'],
  [/no match for platform|no matching manifest|does not match the specified platform/i, 'NO_PLATFORM'],
];

function platformsIn(value: JsonValue): readonly string[] {
  return getArray(value, 'manifests').flatMap((each) => {
    const os = getString(each, 'platform', 'os');
    const arch = getString(each, 'platform', 'architecture');
    return os === undefined || arch === undefined || os === 'unknown' ? [] : [`${os}/${arch}`];
  });
}

/** The manifests of an index, each with its own digest and platform, as `docker manifest inspect` and `crane manifest` show them. */
function childrenIn(value: JsonValue): readonly (readonly [digest: string, platform: string])[] {
  return getArray(value, 'manifests').flatMap((each): (readonly [string, string])[] => {
    const digest = getString(each, 'digest');
    const os = getString(each, 'platform', 'os');
    const arch = getString(each, 'platform', 'architecture');
    return digest === undefined || os === undefined || arch === undefined || os === 'unknown'
      ? []
      : [[digest, `${os}/${arch}`]];
  });
}

/** The same from the text of `docker buildx imagetools inspect`. */
function childrenTold(text: string): readonly (readonly [digest: string, platform: string])[] {
  return [
    ...text.matchAll(
      /@(sha256:[0-9a-f]{64})\s*\n(?:\s*(?:MediaType|Annotations):.*\n)*\s*Platform:\s+(\S+)/g,
    ),
  ].flatMap(([, digest = '', platform = '']): (readonly [string, string])[] =>
    platform.startsWith('unknown') ? [] : [[digest, platform]],
  );
}

/** What crane, skopeo, regctl and docker say that a reference is: digests, platforms, labels, or a refusal. */
export function readImages(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  if (
    command === undefined ||
    !/^(?:crane|skopeo|regctl|docker|podman|nerdctl|crictl|ctr|oras)$/.test(command.program)
  )
    return undefined;
  const isAboutImages = /\b(?:digest|manifest|inspect|imagetools|pull|config|ls|push|head)\b/.test(
    command.words.join(' '),
  );
  const reference = referenceOf(command);
  if (!isAboutImages || reference === undefined) return undefined;
  const lines = block.lines.filter(({ text }) => text.trim() !== '');
  const text = lines.map((line) => line.text).join('\n');
  const [first] = lines;
  if (first === undefined) return undefined;
  const source = artifactSource(block.artifact, first.line);
  const refusal = REFUSALS.find(([pattern]) => pattern.test(text))?.[1];
  const fact = (digest: string | undefined, platforms: readonly string[]): DigestFact => ({
    reference,
    digest,
    platforms,
    answer: digest === undefined ? (refusal ?? 'OK') : 'OK',
    source,
  });
  if (refusal !== undefined && !/^\s*[[{]/.test(text))
    return { facts: { digests: [fact(undefined, [])] }, rest: [] };
  if (/^\s*[[{]/.test(text)) {
    let value: JsonValue;
    try {
      value = JSON.parse(text) as JsonValue;
    } catch {
      return { facts: { digests: [fact(DIGEST.exec(text)?.[0], [])] }, rest: [] };
    }
    const one = Array.isArray(value) ? (value[0] ?? {}) : value;
    const repoDigest = getArray(one, 'RepoDigests').find((each) => typeof each === 'string');
    const labels =
      ['Labels', 'labels'].map((key) => (isJsonObject(one) ? one[key] : undefined)).find(isJsonObject) ??
      (isJsonObject(one)
        ? [one['Config'], one['config']]
            .filter(isJsonObject)
            .map((each) => each['Labels'])
            .find(isJsonObject)
        : undefined);
    const digest =
      getString(one, 'Digest') ?? DIGEST.exec(typeof repoDigest === 'string' ? repoDigest : '')?.[0];
    const os = getString(one, 'Os') ?? getString(one, 'os');
    const arch = getString(one, 'Architecture') ?? getString(one, 'architecture');
    const platforms = os === undefined || arch === undefined ? platformsIn(one) : [`${os}/${arch}`];
    const commit = getString(labels, 'org.opencontainers.image.revision');
    const builds: BuildFact[] =
      commit === undefined
        ? []
        : [
            {
              image: reference,
              digest,
              commit,
              version: getString(labels, 'org.opencontainers.image.version'),
              ref: undefined,
              time:
                getString(one, 'Created') ??
                getString(one, 'created') ??
                getString(labels, 'org.opencontainers.image.created'),
              state: 'succeeded',
              system: 'image labels',
              source,
            },
          ];
    const children = childrenIn(one).map(([child, platform]) => fact(child, [platform]));
    return { facts: { digests: [fact(digest, platforms), ...children], builds }, rest: [] };
  }
  const digest =
    /^\s*Digest:\s+(?<digest>sha256:\S+)/m.exec(text)?.groups?.['digest'] ??
    (/\b(?:digest|head)\b/.test(command.words.join(' ')) || lines.length <= 3
      ? DIGEST.exec(text)?.[0]
      : undefined);
  const platforms = [...text.matchAll(/^\s*Platform:\s+(\S+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((each) => each !== '' && !each.startsWith('unknown'));
  if (digest === undefined && platforms.length === 0) return undefined;
  const children = childrenTold(text).map(([child, platform]) => fact(child, [platform]));
  return { facts: { digests: [fact(digest, platforms), ...children] }, rest: [] };
}
