import { stripVTControlCharacters } from 'node:util';

/** One line of an artifact as it is read: without colours and line ends, with its number. */
export interface TextLine {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
}

/** A part of an artifact that belongs together: what one command printed, a code block, or what stands between them. */
export interface Block {
  readonly artifact: string;
  /** The command that printed it, where a prompt shows it. */
  readonly command: string | undefined;
  /** 1-based line of the command; of the first line where there is none. */
  readonly line: number;
  /** The nearest heading or comment above, without its marks. */
  readonly title: string;
  /** Language of the code block: `yaml`, `json`, `bash`. */
  readonly language: string | undefined;
  readonly lines: readonly TextLine[];
}

export interface Artifact {
  /** Path relative to what was given; `-` for standard input. */
  readonly name: string;
  readonly text: string;
  /** Number of each line of `text`, where only a part of a large file was kept. */
  readonly numbers?: readonly number[];
}

/** `$ kubectl`, `user@host:~/x$ kubectl`, `[user@host x]# kubectl`, `PS C:\> kubectl`, `❯ kubectl`, `% kubectl`. */
const PROMPT =
  /^\s*(?:\[[\w.@~/ :-]+\][$#]|[\w.-]+@[\w.-]+(?::[^$#\s]*)?\s?[$#%>]|PS [^>]*>|[$❯➜»%])\s+(?<command>\S.*)$/u;

/** Programs whose name at the start of a line behind `#` or `>` or nothing makes it a command, not a comment. */
const PROGRAM =
  /^(?:sudo\s+)?(?:kubectl|oc|argocd|flux|helm|kustomize|docker|podman|crane|skopeo|regctl|cosign|git|gcloud|aws|az|gh|glab|curl|wget|openssl|dig|nslookup|nc|psql|cat|grep|jq|stern|k9s|terraform|make|npm|landfall)\s+\S/;

const FENCE = /^\s*(?:```+|~~~+)\s*(?<language>[\w+-]*)/;
const HEADING = /^\s{0,3}(?:#{1,6}\s+|={2,}\s*)(?<title>[^#=].*?)\s*(?:#+|={2,}|¶)?\s*$/;

function commandIn(text: string): string | undefined {
  const prompt = PROMPT.exec(text)?.groups?.['command'];
  if (prompt !== undefined) return prompt;
  const root = /^\s*[#>]\s+(?<rest>\S.*)$/.exec(text)?.groups?.['rest'] ?? text;
  const bare = root.trim();
  // A bare line that starts with a program is a command unless it reads like a sentence or a log.
  return PROGRAM.test(bare) &&
    !/[.:]$|^git@|^make:/.test(bare) &&
    /(?:^|\s)(?:-{1,2}\w|get|describe|logs?|apply|rollout|app|top|status|show|diff|list|inspect|digest|history|builds|auth|events?|config|image|manifest)\b/.test(
      bare,
    )
    ? bare
    : undefined;
}

/** Files that are one thing: what looks like a heading in them is a comment. */
const RAW =
  /(?:\.(?:ya?ml|json|jsonl|ndjson|log|prom|metrics|toml|diff|patch|env|tpl)|(?:^|\/)Dockerfile[^/]*)$/i;

/** Tabs stay: they part columns. */
function withoutControl(text: string): string {
  return text.replaceAll(/\p{Cc}|\uFEFF/gu, (char) => (char === '\t' ? char : ''));
}

/** Lines of any artifact: colours, control characters and carriage returns are gone, numbers are the file's own. */
export function linesOf({ name, text, numbers }: Artifact): readonly TextLine[] {
  const plain = text.includes('\u001B') ? stripVTControlCharacters(text) : text;
  // `>` also marks one side of a diff.
  const raw = RAW.test(name) || /^\d+(?:,\d+)?[acd]\d+(?:,\d+)?\s*$/m.test(plain);
  return plain.split(/\r\n|\n|\r(?!\n)/).map((line, index) => ({
    // What is quoted in a chat or a mail is read like what it quotes.
    text: withoutControl(raw ? line : line.replace(/^\s{0,3}>\s?(?!\s*$)/, '')),
    line: numbers?.[index] ?? index + 1,
  }));
}

interface Open {
  command: string | undefined;
  line: number;
  title: string;
  language: string | undefined;
  lines: TextLine[];
}

/**
 * Takes an artifact apart at prompts, code fences and headings. Nothing is dropped: every line that is no prompt,
 * fence or heading is in exactly one block.
 */
export function blocksOf(artifact: Artifact): readonly Block[] {
  const blocks: Block[] = [];
  let title = '';
  let fence: string | undefined;
  let open: Open | undefined;
  const close = () => {
    if (
      open !== undefined &&
      (open.command !== undefined || open.lines.some(({ text }) => text.trim() !== ''))
    ) {
      blocks.push({ artifact: artifact.name, ...open });
    }
    open = undefined;
  };
  const begin = (line: number, command?: string): Open => {
    close();
    open = { command, line, title, language: fence, lines: [] };
    return open;
  };
  let continued: string | undefined;
  const raw = RAW.test(artifact.name);
  for (const line of linesOf(artifact)) {
    const { text } = line;
    if (continued !== undefined && open !== undefined) {
      const part = text.trim().replace(/\\$/, '').trim();
      open.command = `${continued} ${part}`;
      continued = text.trimEnd().endsWith('\\') ? open.command : undefined;
      continue;
    }
    const fenced = FENCE.exec(text);
    if (fenced !== null) {
      close();
      fence = fence === undefined ? (fenced.groups?.['language'] ?? '').toLowerCase() : undefined;
      continue;
    }
    const command = raw && fence === undefined ? PROMPT.exec(text)?.groups?.['command'] : commandIn(text);
    const heading = raw || fence !== undefined || command !== undefined ? undefined : headingIn(text, open);
    if (heading !== undefined) {
      close();
      title = heading;
      continue;
    }
    if (command !== undefined) {
      const started = begin(line.line, command.replace(/\\$/, '').trim());
      if (command.endsWith('\\')) continued = started.command;
      continue;
    }
    (open ?? begin(line.line)).lines.push(line);
  }
  close();
  return blocks;
}

/** In a text without fences `# word` is a heading where nothing stands above it, and a comment within YAML elsewhere. */
function headingIn(text: string, open: Open | undefined): string | undefined {
  const title =
    HEADING.exec(text)?.groups?.['title'] ??
    /^(?<title>[A-Z][^.:]{2,80})¶\s*$/.exec(text)?.groups?.['title'] ??
    /^(?<title>Artifact \d+: [^.]{2,60})$/.exec(text)?.groups?.['title'];
  if (title === undefined) return undefined;
  const above = open?.lines.at(-1);
  const free = above === undefined || above.text.trim() === '' || !text.trimStart().startsWith('#');
  return free ? title.replace(/¶$/, '').trim() : undefined;
}
