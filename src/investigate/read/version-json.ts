import { getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { MetricSample } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { artifactSource } from './objects.ts';

const COMMIT = ['commit', 'git_commit', 'gitCommit', 'revision', 'sha', 'git_sha', 'gitSha', 'build_sha'];

function parsed(text: string): JsonObject | undefined {
  if (!/^\s*\{.*\}\s*$/.test(text)) return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `{"version":"2.4.0","commit":"b91e4c7a"}`: what an application answers when it is asked for its version. */
export function readVersionJson(block: Block): Reading | undefined {
  const samples: MetricSample[] = [];
  const rest: TextLine[] = [];
  for (const line of block.lines) {
    const value = parsed(line.text);
    const commitKey = COMMIT.find((key) => getString(value, key) !== undefined);
    const version = getString(value, 'version');
    const isLog = getString(value, 'msg') !== undefined || getString(value, 'message') !== undefined;
    if (value === undefined || isLog || version === undefined || commitKey === undefined) {
      rest.push(line);
      continue;
    }
    samples.push({
      name: 'version_info',
      labels: { version, commit: getString(value, commitKey) ?? '' },
      value: 1,
      from: block.command,
      source: artifactSource(block.artifact, line.line),
    });
  }
  return samples.length === 0 ? undefined : { facts: { samples }, rest };
}
