// Installs what is missing and bundles everything into dist/.
import path from 'node:path';
import { ensureInstalled, root } from './ensure-installed.mjs';

ensureInstalled();
// Only now: the bundler is one of the things that may have been missing.
const { bundle } = await import('./bundle.mjs');
await bundle(path.join(root, 'dist'));
// Its process would stay as long as this one, with hundreds of megabytes.
const { stop } = await import('esbuild');
await stop();
