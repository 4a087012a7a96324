// `npm test`: install, typecheck, lint, every test.
import { ensureInstalled, run } from './ensure-installed.mjs';

ensureInstalled();
run('typecheck', 'tsc', ['--noEmit']);
run('lint', 'oxlint', ['--type-aware', '--deny-warnings', 'src', 'test', 'scripts', 'bench', 'examples']);
run('format', 'oxfmt', ['--check', 'src', 'test', 'scripts', 'bench']);
run('unused code', 'knip', ['--no-progress']);
run('build', 'node', ['scripts/build.mjs']);
run('tests', 'vitest', ['run', ...process.argv.slice(2)]);
