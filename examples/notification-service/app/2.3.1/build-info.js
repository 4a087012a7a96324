import { readFileSync } from 'node:fs';

/** What CI wrote into the image: which version this is, from which commit, built when. */
export function readBuildInfo() {
  try {
    const { version, commit, buildDate } = JSON.parse(
      readFileSync(new URL('./build-info.json', import.meta.url), 'utf8'),
    );
    return { version, commit, buildDate };
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
    return { version, commit: 'unknown', buildDate: 'unknown' };
  }
}
