import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { Garbage } from '../../src/data-plane/garbage.ts';

const program = fileURLToPath(new URL('resting-thread.ts', import.meta.url));
const run = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [program, ...args])).stdout;

test('a thread that rests is not collected as if memory were short', async (t) => {
  const [plain, keeping] = await Promise.all([run(), run('less')]);
  t.true(plain.includes('Memory reducer:'), 'what V8 does by itself');
  t.true(plain.endsWith('rested\n'));
  t.is(keeping, 'rested, and can collect\n');
});

test('while memory is short a thread collects now and then', (t) => {
  let [now, collected] = [0, 0];
  const garbage = new Garbage(
    () => now,
    () => collected++,
  );
  const ask = (at: number) => {
    now = at;
    garbage.short();
    return collected;
  };
  t.deepEqual([5, 6, 9_999, 10_004, 10_005].map(ask), [1, 1, 1, 1, 2]);
});
