import type { Moment } from '../memory/moment.ts';
import type { Store } from './database.ts';
import { StoreError } from './store-error.ts';

/** From the monotonic clock to the seconds by which ids of vendors are told apart, in s: as it was noted while the system runs on, so that
 *  no clock that is set makes an id older, or has one come again; over its restart by the wall clock. What can't be noted is of
 *  use until the next start. */
export function keptEpochOffset(store: Store, { wallTime, systemMs, boot }: Moment): number {
  const offsetS = Math.floor((wallTime - systemMs) / 1000);
  if (boot === '') return offsetS;
  try {
    const [of, noted] = notedIn(store)?.split(' ') ?? [];
    if (of === boot && Number.isSafeInteger(Number(noted))) return Number(noted);
    note(store, `${boot} ${offsetS}`);
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
  }
  return offsetS;
}

function notedIn(store: Store): string | undefined {
  return store.read((database) => {
    return database.prepare<[], string>("SELECT value FROM fact WHERE name = 'epoch_offset'").pluck().get();
  });
}

function note(store: Store, value: string): void {
  store.writeUnwatched((database) => {
    const put = "INSERT INTO fact VALUES ('epoch_offset', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    database.prepare(put).run(value);
  });
}
