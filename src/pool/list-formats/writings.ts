import type { ListFormat } from '../../protocol/list-format.ts';
import { formulaless } from './csv.ts';
import { placeKeys } from './exit-place.ts';
import { addressText, type LineForm } from './line-form.ts';
import type { ListedExit } from './listed-exit.ts';
import { pac } from './pac.ts';
import { lineForms } from './registry.ts';

/** How a whole list is written: what stands before, between and behind its exits. */
export interface ListWriting {
  readonly head: string;
  readonly between: string;
  readonly tail: string;
  /** The exit; null where the format has no words for it. */
  write(exit: ListedExit): string | null;
  /** Whether the protocol of an exit is told; places; and names as they are. */
  readonly tells: { readonly scheme: boolean; readonly place: boolean; readonly name: boolean };
}

const everything = { scheme: true, place: true, name: true };
const endpointAlone = { scheme: true, place: false, name: false };

/** Forms that leave the protocol to whoever reads them. */
const withoutScheme = /^(?:host-port|user-pass)/;

/** How a list of this format is written. Make a new one for each list. */
export function writingOf(format: Exclude<ListFormat, 'auto'>): ListWriting {
  switch (format) {
    case 'csv':
      return table(',');
    case 'tsv':
      return table('\t');
    case 'json':
      return json(recordOf, everything);
    case 'playwright':
      return json(playwrightOf, endpointAlone);
    case 'clash':
      return clash();
    case 'pac':
      return {
        head: 'function FindProxyForURL(url, host) {\n  return "',
        between: '; " +\n    "',
        tail: '";\n}\n',
        write: (exit) => pac.write(exit),
        tells: endpointAlone,
      };
    default:
      return lines(lineForms.find(({ name }) => name === format) ?? pac);
  }
}

function lines(form: LineForm): ListWriting {
  const tells = form.name === 'pipe' ? everything : { ...endpointAlone, scheme: !withoutScheme.test(form.name) };
  return { head: '', between: '\n', tail: '\n', write: (exit) => form.write(exit), tells };
}

const columns = ['protocol', 'host', 'port', 'username', 'password', ...placeKeys] as const;

/** What an exit is, by column. */
function recordOf({ endpoint, geo, name }: ListedExit): Readonly<Record<string, string | number | undefined>> {
  const { scheme, host, port, username, password } = endpoint;
  const credential = username === undefined ? {} : { username, password: password ?? '' };
  return { protocol: scheme, host, port, ...credential, ...geo, ...(name === null ? {} : { name }) };
}

function table(separator: string): ListWriting {
  const cellOf = (value: string | number = ''): string => {
    const text = formulaless(String(value));
    return /[",;\t|\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return {
    head: `${columns.join(separator)}\n`,
    between: '\n',
    tail: '\n',
    write: (exit) => {
      const record = recordOf(exit);
      return columns.map((column) => cellOf(record[column])).join(separator);
    },
    tells: everything,
  };
}

function json(of: (exit: ListedExit) => object, tells: ListWriting['tells']): ListWriting {
  return { head: '[\n', between: ',\n', tail: '\n]\n', write: (exit) => JSON.stringify(of(exit)), tells };
}

function playwrightOf(exit: ListedExit): object {
  const { scheme, username, password = '' } = exit.endpoint;
  const server = `${scheme}://${addressText(exit)}`;
  return username === undefined ? { server } : { server, username, password };
}

/** Names are told apart by a number, since a Clash file must have none twice. */
function clash(): ListWriting {
  const counts = new Map<string, number>();
  let unnamed = 0;
  const nameOf = (name: string | null): string => {
    if (name === null) {
      unnamed += 1;
      return `exit ${unnamed}`;
    }
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  };
  return {
    head: 'proxies:\n',
    between: '\n',
    tail: '\n',
    write: ({ endpoint: { scheme, host, port, username, password = '' }, name }) => {
      if (scheme !== 'http' && scheme !== 'https' && scheme !== 'socks5') return null;
      const tls = scheme === 'https' ? { tls: true } : {};
      const credential = username === undefined ? {} : { username, password };
      const type = scheme === 'socks5' ? scheme : 'http';
      return `  - ${JSON.stringify({ name: nameOf(name), type, server: host, port, ...tls, ...credential })}`;
    },
    tells: endpointAlone,
  };
}
