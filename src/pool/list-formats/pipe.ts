import { percentDecodedOnce } from '../../protocol/credentials.ts';
import { placeKeys, readPlaces } from './exit-place.ts';
import { hostPort } from './host-port.ts';
import type { LineForm, ReadingContext } from './line-form.ts';
import { type EntryReading, faulty } from './listed-exit.ts';
import { schemeHostPort } from './scheme-host-port.ts';
import { url } from './url.ts';

const addressForms = [url, schemeHostPort, hostPort];

/** An address, then `country`, or any of `country=de`, `city=New York`, `name=…`, between bars. In such a value `%7C` is a bar.
 *  What else stands there (anonymity, speed) is not read. */
export const pipe: LineForm = {
  name: 'pipe',
  shape: 'host:port|country|…, or URL|country=de|city=Berlin|…',
  claims: 'exits',
  read: (entry, context) => {
    const bar = entry.indexOf('|');
    if (bar < 0) return null;
    const address = readFirst(entry.slice(0, bar).trim(), context);
    return address === null ? null : withFields(address, entry.slice(bar + 1).split('|'), context);
  },
  write: (exit) => {
    const said = placeKeys.flatMap((key) => {
      const text = key === 'name' ? exit.name : exit.geo[key];
      return text == null ? [] : [`${key}=${text.replace(/[%|#]/g, encodeURIComponent)}`];
    });
    // Without a place it is a URL, which is read as well as one.
    return [url.write(exit), ...said].join('|');
  },
};

function readFirst(text: string, context: ReadingContext): EntryReading | null {
  for (const form of addressForms) {
    const reading = form.read(text, context);
    if (reading !== null) return reading.kind === 'exit' ? reading : null;
  }
  return null;
}

function withFields(reading: EntryReading, fields: readonly string[], { countries }: ReadingContext): EntryReading {
  if (reading.kind !== 'exit') return reading;
  const written = fields.map((field, index) => {
    const [, key = '', value = ''] = /^\s*([a-z]+)=(.*)$/s.exec(field) ?? ['', index === 0 ? 'country' : '', field];
    return [key, percentDecodedOnce(value) ?? value] as const;
  });
  const places = readPlaces(written, countries);
  return places.ok ? { kind: 'exit', exit: { ...reading.exit, ...places.value } } : faulty(places.fault.detail);
}
