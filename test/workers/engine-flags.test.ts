import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { engineFlags } from '../../src/workers/engine-flags.ts';

test('this Node knows every flag that is set', async (t) => {
  const { stdout: known } = await promisify(execFile)(process.execPath, ['--v8-options']);
  for (const flag of engineFlags) {
    const name = flag.replace(/^--(no-)?/, '').replace(/=.*/, '');
    t.regex(known, new RegExp(`^ +--(\\[no-\\])?(no-)?${name} `, 'm'));
  }
});
