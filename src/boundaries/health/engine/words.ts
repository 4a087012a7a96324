/** What a word or sentence of a controller means for health. */
export type Meaning = 'good' | 'bad' | 'working' | 'suspended' | 'missing' | 'unknown';

/**
 * Stems of the words that controllers use, whatever they control, in the order in which they decide: `NotReady` is no
 * `Ready`, and `Failed to create` is no `create`. Words of one kind of object only have no place here.
 */
const STEMS: readonly (readonly [Meaning, RegExp])[] = [
  ['missing', /^not ?found$|^missing$/],
  ['unknown', /^(?:unknown|inconclusive)$/],
  ['suspended', /\b(?:suspended|paused|hibernat\w*|stopped|halted|disabled|on hold|maintenance)\b/],
  [
    'bad',
    /\b(?:fail\w*|error\w*|err|invalid\w*|degraded|unhealthy|reject\w*|denied|crash\w*|lost|exceed\w*|timed ?out|timeout|unreachable|misconfigur\w*|warn|warning|critical|abort\w*|unresolved|ignored|refused|insufficient|violat\w*|noncompliant|non compliant|stalled|unable|cannot|not found|does not exist|missing|unsupported|unauthorized|forbidden|conflict\w*|mismatch|expired|red|broken|corrupt\w*|evicted|killed|lagging|blocked|cancel\w*|unavailable|already exists|already in use|inconsistent|inaccessible|failing|not working|refusing|no such|could not be|not (?:\w+ly )?(?:controlled|managed|set|allowed|permitted|supported|valid|accepted|possible))\b/,
  ],
  [
    'working',
    /\b(?:not (?:yet )?(?:running|ready|available|reconciled|complete\w*)|pending|progress\w*|creating|waiting|wait|being \w+ed|initiali[sz]ing|provisioning|updating|upgrading|starting|reconciling|installing|deploying|processing|issuing|retry\w*|terminating|deleting|scaling|scheduling|scheduled|queued|requested|migrating|applying|building|configuring|joining|restoring|bootstrapping|preparing|setting up|in ?progress|partial\w*|yellow|unset|new|started|rolling|draining|syncing|pulling|downloading|executing|out ?of ?sync|changed|submitted|promoting|finali[sz]ing|restarting|loading|expanding|shrinking|finishing|verifying|checking|validating|allocating|attaching|detaching|binding|registering|connecting|renewing|rotating|resizing|redeploying|in flight|accepting|enabling|launching|unpacking|cloning|copying|backing up|recovering)\b/,
  ],
  [
    'good',
    /\b(?:ready|healthy|succe\w+|complete\w*|active|available|bound|accepted|synced|deployed|running|online|applied|created|established|valid|exists|green|ok|up|finished|done|reconciled|installed|registered|compliant|issued|stable|connected|discovered|enabled|updated|resolved|programmed|provisioned|attached|imported|normal|idle|live|in ?sync|passed|initiali[sz]ed|operational|loaded|up to date|promoted|finalised|finalized|working|open|ensured|validated|registered|matched|configured)\b/,
  ],
];

/** `ProgressDeadlineExceeded`, `DEPLOYED_NOT_READY` and `not-ready` as words in lower case. */
export function asWords(text: string): string {
  return text
    .slice(0, 500)
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .replaceAll(/[_\-./]+/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}

export function meaningOf(text: string): Meaning | undefined {
  if (text === '') return undefined;
  const words = asWords(text);
  return STEMS.find(([, stem]) => stem.test(words))?.[0];
}
