/** What stands in the place of a secret, in every output. */
const HIDDEN = '[redacted]';

/** Tokens that are secrets by their look alone. */
const TOKENS: readonly RegExp[] = [
  /\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}\b/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\bhttps:\/\/hooks\.slack\.com\/services\/\S+/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bya29\.[A-Za-z0-9_-]{20,}/g,
  /\bGOCSPX-[A-Za-z0-9_-]{20,}/g,
  /\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}/g,
  /\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}/g,
  /\bnpm_[A-Za-z0-9]{30,}/g,
  /\bdckr_pat_[A-Za-z0-9_-]{16,}/g,
  /\bhvs\.[A-Za-z0-9_-]{20,}/g,
  /\bdop_v1_[a-f0-9]{40,}/g,
  /\bAGE-SECRET-KEY-1[A-Z0-9]+/g,
  // JSON Web Tokens, service account tokens among them.
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g,
];

/** Names whose value is a secret, at the end of a longer name too: `DB_PASSWORD`, `client-secret`, `awsSecretAccessKey`. */
const NAMES = String.raw`[\w.-]*(?:passw(?:or)?d|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|private[_-]?key|secret[_-]?key|account[_-]?key|shared[_-]?access[_-]?key|client[_-]?secret|signing[_-]?key|encryption[_-]?key|credentials?|\.?dockerconfig(?:json)?|auth[_-]?token|connection[_-]?string)`;

const PLACEHOLDER =
  /^(?:["']?(?:<|\$|\{|\*{3}|\[redacted|null\b|true\b|false\b|none\b|yes\b|no\b|""|''|not\b|is\b|was\b|has\b)|["']?$)/i;

const NAMED = new RegExp(
  String.raw`(?<before>(?:^|[\s"'{,;?&(\[|-])(?<name>${NAMES})["']?)(?<sign>\s*(?:=|:(?=["'\s]|$)|:=)\s*)(?<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&"'})\]]+)`,
  'gi',
);

const SECRET_NAME = new RegExp(`^\\s*(?:-\\s*)?["']?name["']?\\s*:\\s*["']?(?:${NAMES})["']?,?\\s*$`, 'i');

/** What a sentence says behind `token:` is an explanation (`invalid token: expired`), behind `password:` a password. */
function isProse(name: string, sign: string, value: string): boolean {
  // Reasons of events end like names of secrets do: `FailedToRetrieveImagePullSecret: Unable to ...`.
  if (sign.includes(':') && /^(?:Failed|Invalid|Missing)[A-Z]/.test(name)) return true;
  return /(?:secret|token|credentials?)$/i.test(name) && sign.includes(':') && /^[a-z]+[.,]?$/.test(value);
}

/** One line without the secrets that it shows by their look or by their name. Digests and commits stay. */
export function redactLine(text: string): string {
  let all = text;
  if (/[A-Za-z0-9_-]{10}/.test(all)) for (const token of TOKENS) all = all.replaceAll(token, HIDDEN);
  if (all.includes('://')) {
    // A token alone in front of the host, as Git servers take it.
    all = all.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[A-Za-z0-9_-]{16,}@(?!sha256:)/gi, `$1${HIDDEN}@`);
    all = all.replaceAll(
      /([?&](?:sig|signature|x-amz-(?:signature|security-token|credential)|x-goog-signature)=)[^&\s"']+/gi,
      `$1${HIDDEN}`,
    );
    all = all.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)([^/\s:@'"]*):([^@\s'"]+)@/gi, `$1$2:${HIDDEN}@`);
  }
  if (/auth|cookie|bearer/i.test(all)) {
    all = all.replaceAll(
      /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:basic|bearer|token|digest|aws4-hmac-sha256)\s+)?)(?!\[redacted)[^\s"',]+/gi,
      `$1${HIDDEN}`,
    );
    all = all.replaceAll(/\b(bearer\s+)(?=[A-Za-z0-9._~+/-]{12,})[A-Za-z0-9._~+/=-]+/gi, `$1${HIDDEN}`);
    all = all.replaceAll(/\b((?:set-)?cookie:\s*)(?!\[redacted).+$/gi, `$1${HIDDEN}`);
    all = all.replaceAll(/("auth"\s*:\s*")[^"]+"/g, `$1${HIDDEN}"`);
  }
  if (/(?:^|\s)(?:curl|wget|http|sshpass|docker|podman|helm|mysql|mysqldump)\s/.test(all)) {
    all = all.replaceAll(
      /(\b(?:curl|wget|https?)\s(?:.*?\s)?(?:-u|--user|--proxy-user)[= ]?["']?[^\s:"']+:)(?!\[redacted)[^\s"']+/g,
      `$1${HIDDEN}`,
    );
    all = all.replaceAll(
      /(\b(?:sshpass|docker login|podman login|helm registry login)\b.*?\s-p[= ]?)(?!\[redacted)[^\s]+/g,
      `$1${HIDDEN}`,
    );
    all = all.replaceAll(/(\bmysql(?:dump)?\b.*?\s-p)(?!\[redacted)[^\s]+/g, `$1${HIDDEN}`);
  }
  if (/pass|pwd|secret|token|key|credential|dockerconfig|connection/i.test(all)) {
    all = all.replaceAll(NAMED, (whole, before: string, name: string, sign: string, value: string) =>
      PLACEHOLDER.test(value) || isProse(name, sign, value) ? whole : `${before}${sign}${HIDDEN}`,
    );
    all = all.replaceAll(
      /(\s--?(?:password|token|secret|docker-password|from-literal=[\w.-]+)[= ])(?!\[redacted)[^\s]+/gi,
      `$1${HIDDEN}`,
    );
  }
  return all;
}

/** Looks like base64: its length, and letters that plain words do not have. */
function isEncoded(text: string): boolean {
  const bare = text.replaceAll(/["',]/g, '');
  return /^[A-Za-z0-9+/]{8,}={0,2}$/.test(bare) && bare.length % 4 === 0 && /[A-Z0-9+/=]/.test(bare);
}

/**
 * What one line alone does not show to be a secret: keys, data of Secrets, values of named variables. Takes the lines
 * of a text one by one and in order, all of them; each line has to go through `redactLine` besides.
 */
export function redactor(): (text: string) => string {
  let pem = false;
  let secret = false;
  let kindSeen = '';
  let data: number | undefined;
  let named = false;
  return (text) => {
    if (
      text.includes('-----BEGIN') &&
      /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----/.test(text) &&
      !/-----END/.test(text)
    ) {
      pem = true;
      return text.replace(/-----BEGIN .*/, HIDDEN);
    }
    if (pem) {
      pem = !/-----END [A-Z0-9 ]*-----/.test(text);
      return HIDDEN;
    }
    const concerns =
      data !== undefined ||
      named ||
      text.startsWith('---') ||
      text.includes('kind') ||
      /data|name|apiVersion/i.test(text);
    if (!concerns) return text;
    const indent = /^\s*/.exec(text)?.[0].length ?? 0;
    if (/^---\s*$/.test(text) || /^\s*(?:-\s+)?["']?apiVersion["']?\s*:/.test(text)) {
      secret = false;
      kindSeen = '';
      data = undefined;
    }
    const kind = /^\s*(?:-\s+)?["']?kind["']?:\s*["']?(\w+)/.exec(text)?.[1];
    if (kind !== undefined) {
      kindSeen = kind;
      secret = kind === 'Secret';
    }
    if (data !== undefined && text.trim() !== '' && (indent <= data || /^\s*}/.test(text))) data = undefined;
    // The kind of an object in JSON and in sorted YAML comes behind its data, so any data with such values is hidden.
    if (data !== undefined && (secret || kindSeen === '')) {
      const pair = /^(\s*["']?[\w.-]+["']?\s*:\s*)(\S.*?)(,?)$/.exec(text);
      if (pair !== null && (secret || isEncoded(pair[2] ?? '')))
        return `${pair[1] ?? ''}"${HIDDEN}"${pair[3] ?? ''}`;
    }
    if (/^\s*["']?(?:data|stringData)["']?\s*:\s*\{?\s*$/.test(text)) data = indent;
    const value = /^(\s*(?:-\s*)?["']?value["']?\s*:\s*)(\S.*?)(,?)$/.exec(text);
    if (named && value !== null && !PLACEHOLDER.test(value[2] ?? '')) {
      named = false;
      return `${value[1] ?? ''}"${HIDDEN}"${value[3] ?? ''}`;
    }
    named = text.includes('name') && SECRET_NAME.test(text);
    return text;
  };
}

/** Every text of a plain value without secrets: the last look before anything is shown. */
export function redactValue<T>(value: T): T {
  if (typeof value === 'string') return value.split('\n').map(redactLine).join('\n') as T;
  if (Array.isArray(value)) return value.map((each: unknown) => redactValue(each)) as T;
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, redactValue<unknown>(each)]),
    ) as T;
  return value;
}
