import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** How much V8's own threads give way: with this a tenth of a core is theirs where traffic wants all of it, and all that it leaves. */
const NICE = 10;

/** What a newer Node calls the threads on which V8 compiles and collects garbage. */
const names = /V8Worker$/;

/** Has V8's own threads give way to those that carry traffic. They come in bursts, on every core at once, and while one of them has its
 *  turn, which is as long as anyone's, exchanges wait. A raised figure needs no rights. Returns how many threads there are; does
 *  nothing where they can't be told from others: an older Node, or another system than Linux. */
export function letBackgroundThreadsGiveWay(): number {
  try {
    const threads = readdirSync('/proc/self/task').filter((id) => names.test(nameOf(id)));
    for (const id of threads) setPriority(Number(id), NICE);
    return threads.length;
  } catch {
    return 0;
  }
}

const nameOf = (id: string): string => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim();
