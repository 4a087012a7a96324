import { stringifyYaml } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { OutputFormat } from '../options.ts';

/** The answer as asked for: text by `text`, or the whole as JSON or YAML. */
export function formatAnswer(format: OutputFormat, value: unknown, text: () => string): string {
  if (format === 'text') return text();
  const json = JSON.parse(JSON.stringify(value)) as JsonValue;
  return format === 'json' ? `${JSON.stringify(json, null, 2)}\n` : stringifyYaml(json);
}
