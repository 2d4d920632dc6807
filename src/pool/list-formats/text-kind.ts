import type { ListFormat } from '../../protocol/list-format.ts';
import { beginsClash } from './clash.ts';
import { headerOf, isFurniture } from './csv.ts';
import { isPacScript } from './pac-script.ts';

/** How a text is to be read; `none` where it is no list at all, and why. */
export interface TextKind {
  readonly kind: 'lines' | 'table' | 'json' | 'clash' | 'script' | 'none';
  readonly fault: string;
}

const kindsByFormat: ReadonlyMap<ListFormat, TextKind['kind']> = new Map<ListFormat, TextKind['kind']>([
  ['csv', 'table'],
  ['tsv', 'table'],
  ['json', 'json'],
  ['playwright', 'json'],
  ['clash', 'clash'],
]);

/** What a text is that begins with `head`. */
export function textKindOf(head: string, format: ListFormat): TextKind {
  const fault = strangeness(head);
  if (fault !== null) return { kind: 'none', fault };
  const kind =
    kindsByFormat.get(format) ?? (format === 'auto' || format === 'pac' ? kindBySight(head, format) : 'lines');
  return { kind, fault: '' };
}

function kindBySight(head: string, format: ListFormat): TextKind['kind'] {
  if (isPacScript(head)) return 'script';
  if (format === 'pac') return 'lines';
  // An address in brackets and the heading of proxychains begin with a bracket as well.
  if (/^\s*(?:\{\s*(?:["}]|$)|\[\s*(?:[[{"\]]|$))/.test(head)) return 'json';
  const lines = head.split(/\r\n|[\r\n]/);
  if (lines.some(beginsClash)) return 'clash';
  const first = lines.find((line) => !isFurniture(line));
  return first !== undefined && headerOf(first) !== null ? 'table' : 'lines';
}

/** What a text is that can't be a list; null for any other. */
function strangeness(head: string): string | null {
  if (/^\s*<(?:!doctype|html|head|body|\?xml)\b/i.test(head))
    return 'this is a web page, no list: see what its address answers';
  if (/^(?:\x1f[\x8b\uFFFD]|PK\x03\x04)/.test(head)) return 'this is compressed: unpack it first';
  const zeros = head.split('\0').length - 1;
  return zeros > 1 && zeros * 4 > head.length ? 'this is no text in UTF-8 (perhaps UTF-16): save it as UTF-8' : null;
}
