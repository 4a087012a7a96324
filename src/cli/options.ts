import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';

export type OutputFormat = 'text' | 'json' | 'yaml';

export interface OutputOptions {
  readonly output: OutputFormat;
}

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly registryMirror?: Readonly<Record<string, string>>;
  readonly ledger?: string;
  readonly quiet?: boolean;
}

/** `90s`, `5m`, `1h30m`, `500ms`; a bare number is seconds. In milliseconds. */
export function parseDuration(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new InvalidArgumentError('A duration is 90s, 5m or 1h30m.');
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * (units[part[2] ?? 's'] ?? 1), 0);
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 to 65535; 0 takes a free one.');
  return port;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1 || count > 1000)
    throw new InvalidArgumentError('A whole number from 1 to 1000 is wanted.');
  return count;
}

/** Adds one `host=URL` to what was given before. */
export function parseMirror(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  const host = text.slice(0, at);
  const url = text.slice(at + 1);
  if (at < 1 || !/^https?:\/\/[^\s/]+/.test(url))
    throw new InvalidArgumentError('A mirror is HOST=URL, as in registry.corp.io=http://127.0.0.1:5000.');
  return { ...before, [host]: url };
}

/** Mirrors from `LANDFALL_REGISTRY_MIRRORS`: `host=URL,host=URL`. */
export function mirrorsFromEnv(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const list = (env['LANDFALL_REGISTRY_MIRRORS'] ?? '').split(',').filter((entry) => entry.trim() !== '');
  return list.reduce<Readonly<Record<string, string>>>((all, entry) => parseMirror(entry.trim(), all), {});
}

export function withOutput(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'how to print the answer')
      .choices(['text', 'json', 'yaml'])
      .default('text'),
  );
}

export function withCluster(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'the cluster to ask; default: KUBECONFIG, ~/.kube/config, the pod itself')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'namespace of the Application; default: wherever it is')
    .option(
      '--registry-mirror <host=url>',
      'reach a registry by another address; may be repeated',
      parseMirror,
    )
    .option(
      '--ledger <url>',
      'history in PostgreSQL, postgres://…; default: LANDFALL_LEDGER, a file of this user',
    )
    .option('-q, --quiet', 'print the answer only');
}

/** Examples below the help of a command, each a line to paste. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText(
    'after',
    `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}\n`,
  );
}
