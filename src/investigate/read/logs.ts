import { getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { LogLine } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { parseCommand } from './command.ts';
import { artifactSource } from './objects.ts';

type Parsed = Omit<LogLine, 'source' | 'previous'>;

const LEVELS: readonly (readonly [RegExp, LogLine['level']])[] = [
  [/^(?:fatal|panic|crit(?:ical)?|emerg|alert|f)$/i, 'fatal'],
  [/^(?:err(?:or)?|severe|e)$/i, 'error'],
  [/^(?:warn(?:ing)?|w)$/i, 'warn'],
  [/^(?:info|notice|information|i)$/i, 'info'],
  [/^(?:debug|trace|verbose|d)$/i, 'debug'],
];

function levelOf(word: string | undefined): LogLine['level'] {
  return word === undefined ? undefined : LEVELS.find(([pattern]) => pattern.test(word.trim()))?.[1];
}

/** A level that stands in the text itself: `WARN Feature flag ...`, `level=error`, `[error]`. */
function levelIn(text: string): LogLine['level'] {
  return levelOf(
    /(?:^|[\s[(|])(FATAL|PANIC|CRITICAL|ERROR|ERR|WARNING|WARN|INFO|NOTICE|DEBUG|TRACE)(?=[\s\]):|]|$)/.exec(
      text,
    )?.[1],
  );
}

const TIME = String.raw`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2}| UTC)?`;

/** ISO 8601 in UTC; a time without a zone is taken as UTC. */
function iso(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const plain = text.replace(',', '.').replace(' UTC', 'Z').replace(' ', 'T');
  const at = Date.parse(/[Z+]|-\d{2}:?\d{2}$/.test(plain.slice(10)) ? plain : `${plain}Z`);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

function texts(value: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(value).map(([key, each]: readonly [string, JsonValue]) => [
      key,
      typeof each === 'string' ? each : JSON.stringify(each),
    ]),
  );
}

function json(text: string): Parsed | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return undefined;
  let value: JsonValue;
  try {
    value = JSON.parse(trimmed) as JsonValue;
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const message =
    getString(value, 'msg') ??
    getString(value, 'message') ??
    getString(value, 'error') ??
    getString(value, 'log');
  if (message === undefined) return undefined;
  const all = texts(value);
  return {
    component: all['logger'] ?? all['component'] ?? all['service'] ?? all['app'] ?? all['controller'],
    time: iso(all['time'] ?? all['ts'] ?? all['timestamp'] ?? all['@timestamp']),
    level: levelOf(all['level'] ?? all['severity'] ?? all['lvl']),
    message,
    fields: all,
  };
}

/** What syslog and journald put in front of a line: `Jun 04 10:00:00 node kubelet[1234]: `. */
const JOURNAL =
  /^[A-Z][a-z]{2} +\d{1,2} \d{2}:\d{2}:\d{2}(?:\.\d+)? (?<host>[\w.-]+) (?<program>[\w@.-]+)(?:\[\d+\])?: (?<rest>.*)$/;

function journal(text: string): Parsed | undefined {
  const found = JOURNAL.exec(text)?.groups;
  if (found === undefined) return undefined;
  const rest = found['rest'] ?? '';
  const inner = klog(rest) ?? json(rest) ?? logfmt(rest);
  return inner === undefined
    ? { component: found['program'], time: undefined, level: levelIn(rest), message: rest, fields: {} }
    : { ...inner, component: found['program'] };
}

/** The kernel's own log: `[123456.789] Memory cgroup out of memory: Killed process 4242 (java)`. */
function kernel(text: string): Parsed | undefined {
  const found = /^\[\s*\d+\.\d+\] (?<message>\S.*)$/.exec(text.trim())?.groups;
  return found === undefined
    ? undefined
    : { component: 'kernel', time: undefined, level: undefined, message: found['message'] ?? '', fields: {} };
}

/** `I1120 10:02:11.000000   1 controller.go:114] message` (Kubernetes' klog). */
function klog(text: string): Parsed | undefined {
  const found =
    /^(?<level>[IWEF])(?<month>\d{2})(?<day>\d{2}) (?<time>\d{2}:\d{2}:\d{2}(?:\.\d+)?)\s+\d+ (?<file>[\w./-]+:\d+)\] (?<message>.*)$/.exec(
      text.trim(),
    )?.groups;
  if (found === undefined) return undefined;
  return {
    component: found['file'],
    time: undefined,
    level: levelOf(found['level']),
    message: found['message'] ?? '',
    fields: logfmtFields(found['message'] ?? ''),
  };
}

function logfmtFields(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(/(?:^|\s)([A-Za-z_][\w.-]*)=("(?:[^"\\]|\\.)*"|\S*)/g)].map(
      ([, key = '', value = '']) => [key, value.replaceAll(/^"|"$/g, '').replaceAll('\\"', '"')],
    ),
  );
}

function logfmt(text: string): Parsed | undefined {
  const fields = logfmtFields(text);
  const message = fields['msg'] ?? fields['message'] ?? fields['err'];
  if (message === undefined || Object.keys(fields).length < 2) return undefined;
  return {
    component:
      fields['component'] ?? fields['logger'] ?? fields['application'] ?? fields['app'] ?? fields['service'],
    time: iso(fields['time'] ?? fields['ts']),
    level: levelOf(fields['level'] ?? fields['lvl']),
    message,
    fields,
  };
}

/** `[2024-11-20T10:02:11Z] notification-svc | WARN text`, and docker compose's `web-1  | text`. */
function piped(text: string): Parsed | undefined {
  const found = new RegExp(
    `^\\s*(?:\\[?(?<time>${TIME})\\]?\\s*)?\\[?(?<component>[A-Za-z][\\w./:-]*)\\]?\\s+\\|\\s?(?<message>.*)$`,
  ).exec(text)?.groups;
  if (found === undefined) return undefined;
  const message = found['message'] ?? '';
  return {
    component: found['component'],
    time: iso(found['time']),
    level: levelIn(message),
    message,
    fields: logfmtFields(message),
  };
}

/** nginx' error log, and its access log in the combined format. */
function nginx(text: string): Parsed | undefined {
  const error =
    /^(?<day>\d{4}\/\d{2}\/\d{2}) (?<time>\d{2}:\d{2}:\d{2}) \[(?<level>\w+)\] (?<message>.*)$/.exec(
      text.trim(),
    )?.groups;
  if (error !== undefined) {
    return {
      component: 'nginx',
      time: iso(`${(error['day'] ?? '').replaceAll('/', '-')}T${error['time'] ?? ''}Z`),
      level: levelOf(error['level']),
      message: error['message'] ?? '',
      fields: {},
    };
  }
  const alone = /^nginx: \[(?<level>\w+)\] (?<message>.*)$/.exec(text.trim())?.groups;
  if (alone !== undefined)
    return {
      component: 'nginx',
      time: undefined,
      level: levelOf(alone['level']),
      message: text.trim(),
      fields: {},
    };
  const access =
    /^(?<client>[\d.a-f:]+) \S+ \S+ \[(?<time>[^\]]+)\] "(?<request>[^"]*)" (?<status>\d{3}) (?<bytes>\d+|-)/.exec(
      text.trim(),
    )?.groups;
  if (access === undefined) return undefined;
  const status = Number(access['status']);
  const { client = '', request = '', status: code = '' } = access;
  return {
    component: 'access',
    time: undefined,
    level: status >= 500 ? 'error' : 'info',
    message: text.trim(),
    fields: { status: code, request, client },
  };
}

/** A line that begins with a time or a level, in whatever layout. */
function timed(text: string): Parsed | undefined {
  const found = new RegExp(`^\\s*\\[?(?<time>${TIME})\\]?[\\s|:-]*(?<message>.*)$`).exec(text)?.groups;
  if (found !== undefined) {
    const message = found['message'] ?? '';
    const component =
      /^(?:\[?(?:FATAL|ERROR|WARN(?:ING)?|INFO|DEBUG)\]?\s+)?\[?(?<name>[A-Za-z][\w./-]{2,40})\]?(?::| -)\s/.exec(
        message,
      )?.groups?.['name'];
    return {
      component,
      time: iso(found['time']),
      level: levelIn(message),
      message,
      fields: logfmtFields(message),
    };
  }
  const level = /^\s*\[?(FATAL|PANIC|ERROR|WARN(?:ING)?|INFO|DEBUG|panic|fatal|error)\]?:?\s+(.*)$/.exec(
    text,
  );
  return level === null
    ? undefined
    : {
        component: undefined,
        time: undefined,
        level: levelOf(level[1]),
        message: level[2] ?? '',
        fields: {},
      };
}

/** One line of a log, in whichever of the layouts it is. */
export function logLine(text: string): Parsed | undefined {
  return (
    json(text) ??
    journal(text) ??
    kernel(text) ??
    klog(text) ??
    piped(text) ??
    nginx(text) ??
    logfmt(text) ??
    timed(text)
  );
}

function isStrict(text: string): boolean {
  return (
    klog(text) !== undefined ||
    kernel(text) !== undefined ||
    journal(text) !== undefined ||
    nginx(text) !== undefined ||
    /^nginx: \[\w+\] /.test(text) ||
    json(text)?.level !== undefined
  );
}

/** The pod or workload that `kubectl logs` and `docker logs` ask. */
function askedComponent(
  block: Block,
): { readonly component: string | undefined; readonly previous: boolean } | undefined {
  if (block.command === undefined) return undefined;
  const command = parseCommand(block.command);
  const index = command.words.findIndex((word) => word === 'logs' || word === 'log');
  if (index < 0 || command.program === 'git') return undefined;
  const previous = command.flags['p'] !== undefined || command.flags['previous'] !== undefined;
  return { component: command.words[index + 1]?.replace(/^[a-z]+\//, '') ?? command.flags['l'], previous };
}

/**
 * Log lines in the layouts of the field. Behind `kubectl logs` every line is one; elsewhere at least half of the lines
 * have to look like it, so that prose with a date in it is none.
 */
export function readLogs(block: Block): Reading | undefined {
  const asked = askedComponent(block);
  const lines = block.lines.filter(({ text }) => text.trim() !== '');
  const parsed = lines.map((line) => ({ line, log: logLine(line.text) }));
  const understood = parsed.filter(({ log }) => log !== undefined).length;
  const isLog =
    asked !== undefined ||
    /\.log$/i.test(block.artifact) ||
    (understood > 0 && understood * 2 >= lines.length);
  if (lines.length === 0) return undefined;
  const logs: LogLine[] = [];
  const rest: TextLine[] = [];
  for (const { line, log } of parsed) {
    // A few layouts are nothing else than lines of a log, whatever stands around them.
    if (!isLog && !isStrict(line.text)) {
      rest.push(line);
      continue;
    }
    if (log === undefined && asked === undefined && !/\.log$/i.test(block.artifact)) {
      rest.push(line);
      continue;
    }
    const entry = log ?? {
      component: undefined,
      time: undefined,
      level: levelIn(line.text),
      message: line.text.trim(),
      fields: {},
    };
    logs.push({
      ...entry,
      component: entry.component ?? asked?.component,
      previous: asked?.previous ?? false,
      source: artifactSource(block.artifact, line.line),
    });
  }
  return logs.length === 0 ? undefined : { facts: { logs }, rest };
}
