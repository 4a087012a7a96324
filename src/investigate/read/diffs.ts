import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { kindOf } from './command.ts';
import { artifactSource, fields } from './objects.ts';

interface Subject {
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** `+++ /tmp/MERGED-1/apps.v1.Deployment.web.bff` of kubectl, `===== apps/Deployment web/bff ======` of argocd. */
function subjectIn(text: string): Subject | undefined {
  const kubectl =
    /^\+\+\+ \S*\/MERGED-\d+\/(?:[a-z][\w-]*\.)*v\w+\.(?<kind>[A-Z]\w+)\.(?<space>[a-z0-9-]*)\.(?<name>[a-z0-9][\w.-]*)/.exec(
      text,
    )?.groups;
  const argocd =
    /^=+ (?:[\w.-]*\/)?(?<kind>[A-Z]\w+) (?:(?<space>[a-z0-9-]+)\/)?(?<name>[a-z0-9][\w.-]*) =+$/.exec(
      text,
    )?.groups;
  const found = kubectl ?? argocd;
  const space = found?.['space'];
  return found?.['kind'] === undefined
    ? undefined
    : {
        kind: kindOf(found['kind']) ?? found['kind'],
        namespace: space === '' ? undefined : space,
        name: found['name'] ?? '',
      };
}

const FIELD = /^(?:- )?(?<key>image|replicas): (?<value>\S+)$/;

function part(key: string, value: string): JsonObject {
  return key === 'replicas'
    ? fields([['spec', 'replicas'], Number(value)])
    : fields([
        ['spec', 'template', 'spec', 'containers'],
        [{ name: 'unnamed', image: value.replaceAll(/^["']|["']$/g, '') } satisfies JsonValue],
      ]);
}

/**
 * What `kubectl diff` and `argocd app diff` print: what is stored on one side, what Git asks for on the other. kubectl
 * takes away what is live and adds what is asked for; so does argocd with `<` and `>`. Images and counts only.
 */
export function readDiffs(block: Block): Reading | undefined {
  if (
    !/\b(?:kubectl|oc|argocd app) diff\b/.test(block.command ?? '') &&
    subjectIn(`=== ${block.title} ===`) === undefined &&
    !block.lines.some(({ text }) => subjectIn(text) !== undefined)
  )
    return undefined;
  const live: WorldObject[] = [];
  const desired: WorldObject[] = [];
  const rest: TextLine[] = [];
  let subject = subjectIn(`=== ${block.title} ===`);
  for (const line of block.lines) {
    subject = subjectIn(line.text) ?? subject;
    const changed = /^(?<sign>[-+<>])\s*(?<text>\S.*)$/.exec(line.text)?.groups;
    const field = FIELD.exec(changed?.['text'] ?? '')?.groups;
    if (subject === undefined || field === undefined) {
      if (subject === undefined) rest.push(line);
      continue;
    }
    const object: WorldObject = {
      apiVersion: undefined,
      ...subject,
      value: part(field['key'] ?? '', field['value'] ?? ''),
      whole: false,
      cite: () => artifactSource(block.artifact, line.line),
    };
    (/[-<]/.test(changed?.['sign'] ?? '') ? live : desired).push(object);
  }
  return live.length + desired.length === 0 ? undefined : { facts: { live, desired }, rest };
}
