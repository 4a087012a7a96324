/** One sample of the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\s*(\{.*\}))?\s+([^\s]+)(?:\s+-?\d+)?\s*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*,?/y;
const MAX_SAMPLES = 50_000;

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_match, char: string) => (char === 'n' ? '\n' : char));
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  const inner = text.slice(1, -1).trim();
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const match = LABEL.exec(inner);
    if (match === null) return undefined;
    labels[match[1] ?? ''] = unescape(match[2] ?? '');
    while (inner[LABEL.lastIndex] === ' ') LABEL.lastIndex++;
  }
  return labels;
}

function parseValue(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

/**
 * Reads the Prometheus text exposition format, as far as samples go. Lines that are no samples are passed over;
 * at most 50,000 samples are kept. `name` keeps only samples of that metric.
 */
export function parsePrometheus(text: string, name?: string): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (name !== undefined && !line.startsWith(name)) continue;
    const match = LINE.exec(line.trim());
    if (match === null || (name !== undefined && match[1] !== name)) continue;
    const labels = match[2] === undefined ? {} : parseLabels(match[2]);
    const value = parseValue(match[3] ?? '');
    if (labels === undefined || Number.isNaN(value)) continue;
    samples.push({ name: match[1] ?? '', labels, value });
    if (samples.length >= MAX_SAMPLES) break;
  }
  return samples;
}

const RUNTIME = /^(?:process_|nodejs_|go_|jvm_|python_|promhttp_|scrape_|http_|up$)|_(?:bucket|created)$/;
const KEPT = 60;

/** `name{label="value"}`, labels in their order. */
export function sampleName(sample: Sample): string {
  const labels = Object.entries(sample.labels).map(([name, value]) => `${name}="${value}"`);
  return labels.length === 0 ? sample.name : `${sample.name}{${labels.join(',')}}`;
}

/** What an application tells of itself, several pods added up: its own metrics, at most sixty samples. */
export function ownSamples(samples: readonly Sample[]): readonly Sample[] {
  const summed = new Map<string, Sample>();
  for (const sample of samples) {
    if (RUNTIME.test(sample.name) || !Number.isFinite(sample.value)) continue;
    const key = sampleName(sample);
    const known = summed.get(key);
    if (known === undefined && summed.size >= KEPT) continue;
    summed.set(key, { ...sample, value: sample.value + (known?.value ?? 0) });
  }
  return [...summed.values()];
}
