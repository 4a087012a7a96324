import type { Block } from '../block.ts';
import type { Reading } from '../facts.ts';
import { engineFact } from './engines.ts';
import { artifactSource } from './objects.ts';

/** `helm status` and what `helm upgrade` prints: `NAME:`, `LAST DEPLOYED:`, `NAMESPACE:`, `STATUS:`, `REVISION:`. */
export function readHelmStatus(block: Block): Reading | undefined {
  const values = new Map<string, { readonly value: string; readonly line: number }>();
  const rest = [];
  for (const line of block.lines) {
    const pair =
      /^(?<key>NAME|LAST DEPLOYED|NAMESPACE|STATUS|REVISION|DESCRIPTION|CHART|VERSION|APP_VERSION|TEST SUITE|NOTES|RESOURCES|HOOKS):\s*(?<value>.*)$/.exec(
        line.text,
      )?.groups;
    if (pair !== undefined && !values.has(pair['key'] ?? ''))
      values.set(pair['key'] ?? '', { value: (pair['value'] ?? '').trim(), line: line.line });
    else if (line.text.trim() !== '') rest.push(line);
  }
  const name = values.get('NAME');
  const status = values.get('STATUS');
  if (name === undefined || status === undefined || !values.has('REVISION')) return undefined;
  const description = values.get('DESCRIPTION')?.value;
  return {
    facts: {
      engines: [
        engineFact({
          engine: 'Helm',
          application: name.value,
          kind: 'Release',
          sync: status.value,
          revision: values.get('REVISION')?.value,
          targetRevision: values.get('CHART')?.value,
          destination: values.get('NAMESPACE')?.value,
          messages: description === undefined || description === '' ? [] : [description],
          time: values.get('LAST DEPLOYED')?.value,
          source: artifactSource(block.artifact, status.line),
        }),
      ],
    },
    rest: values.has('NOTES') ? [] : rest,
  };
}
