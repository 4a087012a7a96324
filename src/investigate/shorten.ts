/** Long digests and commits as people read them out; everything else as it is, up to a line. */
export function shortened(value: string): string {
  const text = value
    .replaceAll(/sha256:([0-9a-f]{8})[0-9a-f]{56}/g, '$1')
    .replaceAll(/sha256:([0-9a-f]{6,16})(?:\.{3}|…)[0-9a-f]*/g, '$1')
    .replaceAll(/\b([0-9a-f]{8})[0-9a-f]{32}\b/g, '$1');
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
