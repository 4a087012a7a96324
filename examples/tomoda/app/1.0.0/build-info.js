import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const file = new URL('./build-info.json', import.meta.url);

function version() {
  return JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')).version;
}

/** What the build wrote into the image: which version this is, from which commit, and when that was made. */
export function readBuildInfo() {
  try {
    const { version, commit, buildDate } = JSON.parse(readFileSync(file, 'utf8'));
    return { version, commit, buildDate };
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return { version: version(), commit: 'unknown', buildDate: 'unknown' };
  }
}

/** From the commit that is checked out. Its time stands for the build's, so that building again makes the same image. */
function write() {
  const show = (format) =>
    execFileSync('git', ['show', '--no-patch', `--format=${format}`, 'HEAD'], {
      cwd: new URL('.', import.meta.url),
      encoding: 'utf8',
    }).trim();
  const info = {
    version: version(),
    commit: show('%H'),
    buildDate: new Date(show('%cI')).toISOString(),
  };
  writeFileSync(file, `${JSON.stringify(info, null, 2)}\n`);
  process.stdout.write(`tomoda ${info.version} of ${info.commit}\n`);
}

const asProgram = process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href;
if (asProgram && process.argv[2] === '--write') write();
