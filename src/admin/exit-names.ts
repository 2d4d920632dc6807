import { parseId } from '../pool/digest.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import { CommandError } from './command-error.ts';

/** Shown of the ids that a beginning may mean. */
const SHOWN = 4;

/** The id that `text` means: an id or a unique beginning of one, of the exits that stand and of `others` (in whatever case). Throws
 *  CommandError: not_found, or bad_argument where several begin so. */
export function exitIdOf(registry: PoolRegistry, text: string, others: Iterable<string> = []): string {
  const id = text.toLowerCase();
  if (registry.slotOf(id) !== undefined) return id;
  // A whole id that isn't there needs no look at all the others.
  const slots = id === '' || parseId(id) !== null ? [] : registry.slotsOfPrefix(id, SHOWN + 1);
  const found = new Set(slots.map((slot) => registry.idOf(slot)));
  for (const other of others) if (id !== '' && other.startsWith(id)) found.add(other);
  if (found.has(id)) return id;
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  if (only === undefined) throw noExit(text);
  const ids = [...found].slice(0, SHOWN).join(', ');
  throw new CommandError({
    code: 'bad_argument',
    message: `"${text}" may be any of ${ids}${found.size > SHOWN ? ' …' : ''}`,
    remedy: 'write more of the id',
  });
}

/** There is no exit of this name. */
export function noExit(text: string): CommandError {
  return new CommandError({
    code: 'not_found',
    message: `there is no exit "${text}"`,
    remedy: 'see "roundabout exit list"',
  });
}
