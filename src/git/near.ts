/** The names closest to `wanted`, best first; empty where nothing is alike. For "did you mean". */
export function nearNames(wanted: string, names: Iterable<string>, limit = 3): readonly string[] {
  const target = wanted.toLowerCase();
  const ranked: { readonly name: string; readonly distance: number }[] = [];
  for (const name of names) {
    const candidate = name.toLowerCase();
    const contains =
      target.length >= 2 &&
      candidate.length >= 2 &&
      (candidate.includes(target) || target.includes(candidate));
    const distance = contains ? 1 : editDistance(target, candidate);
    if (distance <= Math.max(2, Math.floor(target.length / 3))) ranked.push({ name, distance });
  }
  ranked.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return ranked.slice(0, limit).map((entry) => entry.name);
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Number.POSITIVE_INFINITY;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
