import { LandfallError } from '../../../kernel/index.ts';
import { comparePrereleases, compareVersions, parseVersion, type Version } from './version.ts';

/** A range of versions with the semantics of Masterminds' semver 3, the one of Flux and Argo CD Image Updater. */
export interface Constraint {
  readonly text: string;
  allows(version: Version): boolean;
  /** Why a version is outside, for people. */
  refusal(version: Version): string | undefined;
}

interface Comparison {
  readonly operator: string;
  readonly version: Version;
  /** Parts left out or written as `x`: from the major, the minor or the patch on. */
  readonly open: 'major' | 'minor' | 'patch' | undefined;
}

const NUMBER = '[0-9xX*|]+';
const VERSION = `v?(${NUMBER})(\\.${NUMBER})?(\\.${NUMBER})?(-[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?`;
const OPERATOR = '(?:!=|>=|=>|<=|=<|~>|=|>|<|~|\\^)?';
const ONE = new RegExp(`^\\s*(${OPERATOR})\\s*${VERSION}\\s*$`);
const HYPHEN = new RegExp(`\\s*(${VERSION})\\s+-\\s+(${VERSION})\\s*`, 'g');
const LONGEST = 500;

/** Throws `invalid-input` (`version-range`) for what is no range, an empty text too; `*` is every release. */
export function parseConstraint(text: string, where: string): Constraint {
  const refuse = (what: string) =>
    new LandfallError(`${where}: '${text.slice(0, 80)}' is no range of versions: ${what}.`, {
      kind: 'invalid-input',
      code: 'version-range',
      object: where,
      hint: 'Ranges are written as ~1.2, ^1, >=1.2 <2, 1.x, or several joined with ||.',
    });
  if (text.length > LONGEST) throw refuse('it is too long');
  const groups = withoutHyphens(text)
    .split('||')
    .map((part) => parseGroup(part, refuse));
  const refusal = (version: Version): string | undefined => {
    let reason = `outside of ${text}`;
    for (const group of groups) {
      if (version.pre !== '' && !group.some((each) => each.version.pre !== '')) {
        reason = `a prerelease, and ${text === '*' ? 'the policy' : text} asks for none`;
        continue;
      }
      if (group.every((each) => satisfies(version, each))) return undefined;
    }
    return reason;
  };
  return { text, refusal, allows: (version) => refusal(version) === undefined };
}

/**
 * `1.2 - 1.4` is `>= 1.2, <= 1.4`, before the text is divided at `||`: the original takes a `|` in front of a number
 * for a part of it, and what stands right in front of such a range runs into it. Both are refused afterwards.
 */
function withoutHyphens(text: string): string {
  return text.replace(HYPHEN, (whole) => {
    const [low = '', high = ''] = whole.trim().split(/\s+-\s+/);
    return `>= ${low}, <= ${high} `;
  });
}

function parseGroup(text: string, refuse: (what: string) => LandfallError): readonly Comparison[] {
  if (text.trim() === '') throw refuse('it is empty');
  // An operator may stand apart from its version; what is left of spaces and commas then divides.
  const pieces = text
    .replace(/([=!<>~^])\s+(?=[vV\dxX*])/g, '$1')
    .trim()
    .split(/\s*,\s*|\s+/);
  return pieces.map((piece) => comparisonOf(piece, refuse));
}

function comparisonOf(piece: string, refuse: (what: string) => LandfallError): Comparison {
  const found = ONE.exec(piece);
  if (found === null) throw refuse(`'${piece}' is no comparison with a version`);
  const [, operator = '', major = '', minor, patch, pre = ''] = found;
  const isOpen = (part: string | undefined) => part === undefined || /^\.?[xX*]$/.test(part);
  const open = isOpen(major) ? 'major' : isOpen(minor) ? 'minor' : isOpen(patch) ? 'patch' : undefined;
  const numbers =
    open === 'major'
      ? '0.0.0'
      : open === 'minor'
        ? `${major}.0.0`
        : open === 'patch'
          ? `${major}${minor ?? ''}.0`
          : `${major}${minor ?? ''}${patch ?? ''}`;
  const version = parseVersion(`${numbers}${pre}`);
  if (version === undefined) throw refuse(`'${piece}' names no version`);
  return { operator, version, open };
}

function satisfies(version: Version, { operator, version: limit, open }: Comparison): boolean {
  const order = compareVersions(version, limit);
  switch (operator) {
    case '':
    case '=':
      return open === undefined ? order === 0 : isTilde(version, limit, open);
    case '!=':
      return isOther(version, limit, open);
    case '>':
      if (open === undefined || version.major !== limit.major) {
        return open === undefined ? order > 0 : version.major > limit.major;
      }
      if (open === 'minor') return false;
      return open === 'patch' ? version.minor > limit.minor : order > 0;
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      if (open === undefined) return order <= 0;
      if (version.major !== limit.major) return version.major < limit.major;
      return open === 'minor' || version.minor <= limit.minor;
    case '~':
    case '~>':
      return isTilde(version, limit, open);
    default:
      return isCaret(version, limit, open);
  }
}

function isOther(version: Version, limit: Version, open: Comparison['open']): boolean {
  if (open === undefined) return compareVersions(version, limit) !== 0;
  if (version.major !== limit.major) return true;
  if (open === 'minor') return false;
  if (version.minor !== limit.minor) return true;
  if (open === 'patch') return comparePrereleases(version.pre, limit.pre) !== 0;
  return compareVersions(version, limit) !== 0;
}

/** `~1.2.3` is >=1.2.3 <1.3.0, `~1` is 1.x, `~0.0.0` and `*` are everything. */
function isTilde(version: Version, limit: Version, open: Comparison['open']): boolean {
  if (compareVersions(version, limit) < 0) return false;
  const zero = limit.major === 0n && limit.minor === 0n && limit.patch === 0n;
  if (zero && open !== 'minor' && open !== 'patch') return true;
  return version.major === limit.major && (open === 'minor' || version.minor === limit.minor);
}

/** `^1.2.3` is >=1.2.3 <2.0.0, `^0.2.3` is >=0.2.3 <0.3.0, `^0.0.3` is itself. */
function isCaret(version: Version, limit: Version, open: Comparison['open']): boolean {
  if (compareVersions(version, limit) < 0) return false;
  if (limit.major > 0n || open === 'minor') return version.major === limit.major;
  if (version.major > 0n) return false;
  if (limit.minor > 0n || open === 'patch') return version.minor === limit.minor;
  if (version.minor > 0n) return false;
  return version.patch === limit.patch;
}
