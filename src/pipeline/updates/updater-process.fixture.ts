/** A process that does one cycle and may be killed at any moment: `URL of the registry`, `folder of the bench`. */
import { reopenBench, signal } from './updates.fixture.ts';

const [url = '', folder = ''] = process.argv.slice(2);
const on = reopenBench(url, folder);
process.stdout.write('begins\n');
await on.cycle().run([on.updater([{}])], {}, signal);
on.mirrors.close();
on.registry.close();
