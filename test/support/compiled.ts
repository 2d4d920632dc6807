/** Keeps the compiled code of tests, as the program keeps its own: a file that has not changed is compiled once. */

import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/roundabout', import.meta.url)));
