import type { BoundaryName } from '../../boundaries/index.ts';
import type { Finding } from '../../verdict/index.ts';
import type { FailOn } from '../commands/check.ts';

/** One thing that was found before a deploy. Plain JSON. */
export interface Issue {
  readonly id: string;
  /** Number of the failure that it leads to, in docs/findings.md. */
  readonly failure: string | undefined;
  /** `error` stops the delivery, `warning` probably does, `risk` is a habit that will. */
  readonly level: FailOn;
  readonly boundary: BoundaryName;
  readonly title: string;
  readonly why: string;
  readonly fix: string;
  readonly object: string | undefined;
  /** Path inside of the repository; the folder where no file is known. */
  readonly file: string;
  /** 1-based; 1 where no line is known. */
  readonly line: number;
}

/** From here on a cause is an error; below it may still turn out well. */
const SURE = 0.85;

export function issueOf(finding: Finding, folder: string): Issue {
  const claim = finding.claims.find(({ source }) => source.type === 'file') ?? finding.claims[0];
  const source = claim?.source;
  return {
    id: finding.id,
    failure: finding.failure,
    level: finding.kind === 'risk' ? 'risk' : finding.confidence >= SURE ? 'error' : 'warning',
    boundary: finding.boundary,
    title: finding.title,
    why: finding.explanation.join(' '),
    fix: finding.immediateFix.text,
    object: claim?.subject,
    file: source?.type === 'file' ? source.file : folder,
    line: source?.type === 'file' ? (source.line ?? 1) : 1,
  };
}
