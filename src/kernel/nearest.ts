function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_item, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** What a name has to be changed by to be another, without regard to case; one that holds the other is near. */
function score(name: string, candidate: string): number {
  const [wrong, right] = [name.toLowerCase(), candidate.toLowerCase()];
  if (wrong === right) return 0;
  return right.includes(wrong) || wrong.includes(right) ? 1 : distance(wrong, right);
}

/** The names nearest to a wrong one, best first, at most three. */
export function nearest(name: string, known: readonly string[]): readonly string[] {
  const close = known
    .map((candidate) => ({ candidate, score: score(name, candidate) }))
    .filter(({ candidate, score }) => score <= Math.max(3, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.score - b.score || a.candidate.localeCompare(b.candidate));
  return close.slice(0, 3).map(({ candidate }) => candidate);
}
