import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { Garbage } from '../../src/startup/garbage.ts';

const program = fileURLToPath(new URL('resting-thread.ts', import.meta.url));
const run = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [program, ...args])).stdout;

test('a thread that rests is not collected as if memory were short', async (t) => {
  const [plain, keeping] = await Promise.all([run(), run('keep')]);
  t.true(plain.includes('Memory reducer:'), 'what V8 does by itself');
  t.true(plain.endsWith('rested\n'));
  t.is(keeping, 'rested, and can collect\n');
});

test('while memory is short a thread collects, but not for each that asks', async (t) => {
  let [now, collected] = [0, 0];
  const garbage = new Garbage(
    () => now,
    () => collected++,
  );
  const ask = async (at: number) => {
    now = at;
    garbage.short();
    await new Promise(setImmediate);
    return collected;
  };
  t.deepEqual([await ask(5), await ask(6), await ask(9_999), await ask(10_004)], [1, 1, 1, 1]);
  t.is(await ask(10_005), 2);
});
