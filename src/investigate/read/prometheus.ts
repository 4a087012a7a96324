import type { MetricSample } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { artifactSource } from './objects.ts';

const SAMPLE =
  /^\s*(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>(?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(?<value>[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|Inf|NaN))(?:\s+\d+(?:\.\d+)?)?\s*$/;
const LABEL = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;

/** One line of Prometheus' text format; undefined for others. */
export function sampleOf(
  text: string,
):
  | { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }
  | undefined {
  const found = SAMPLE.exec(text)?.groups;
  const { name, labels = '', value } = found ?? {};
  if (name === undefined || value === undefined) return undefined;
  const named = [...labels.matchAll(LABEL)].map(
    ([, key = '', text_ = '']) =>
      [key, text_.replaceAll(/\\(["\\n])/g, (_all, char: string) => (char === 'n' ? '\n' : char))] as const,
  );
  return {
    name,
    labels: Object.fromEntries(named),
    value: value.endsWith('Inf') ? (value.startsWith('-') ? -Infinity : Infinity) : Number(value),
  };
}

/** Samples of Prometheus text, wherever they stand. A bare `word 3` counts only between lines with labels or TYPE. */
export function readPrometheus(block: Block): Reading | undefined {
  const samples: MetricSample[] = [];
  const rest: TextLine[] = [];
  const certain = block.lines.some(
    ({ text }) => /^\s*\w[\w:]*\{[^}]*\}\s+\S+\s*$/.test(text) || /^# (?:TYPE|HELP) /.test(text),
  );
  if (!certain) return undefined;
  for (const { text, line } of block.lines) {
    const sample = sampleOf(text);
    if (sample !== undefined)
      samples.push({ ...sample, from: fromOf(block), source: artifactSource(block.artifact, line) });
    else if (text.trim() !== '' && !/^\s*#/.test(text)) rest.push({ text, line });
  }
  return samples.length === 0 ? undefined : { facts: { samples }, rest };
}

/** The pod or URL behind the samples, where the command says it. */
function fromOf({ command }: Block): string | undefined {
  return (
    /https?:\/\/[^\s'"]+/.exec(command ?? '')?.[0] ??
    /\bexec\b.*?\b((?:pod\/)?[\w.-]+-[\w-]+)\b/.exec(command ?? '')?.[1]
  );
}
