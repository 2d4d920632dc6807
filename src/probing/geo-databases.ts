import { readFileSync } from 'node:fs';
import { Reader, type Response } from 'mmdb-lib';
import { plainAddress } from '../protocol/address-range.ts';

/** Where an address is, as databases say. Country codes are lower-case, `asn` is digits. */
export interface Place {
  readonly country: string | null;
  readonly asn: string | null;
}

const nowhere: Place = Object.freeze({ country: null, asn: null });

/** The operator's databases in MaxMind's format, those of countries and those of autonomous systems, whoever made them. */
export class GeoDatabases {
  readonly #readers: readonly Reader<Response>[];

  constructor(readers: readonly Reader<Response>[]) {
    this.#readers = readers;
  }

  /** Reads the files. One that can't be read is told of by `warn`, and left out. */
  static open(files: readonly string[], warn: (line: string) => void): GeoDatabases {
    const readers = files.flatMap((file) => {
      try {
        return [new Reader<Response>(readFileSync(file))];
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        warn(`geo.mmdb: ${file} is not used: ${why}`);
        return [];
      }
    });
    return new GeoDatabases(readers);
  }

  /** What the first database says that says anything, for each of the two. Never throws. */
  placeOf(address: string): Place {
    let { country, asn } = nowhere;
    for (const reader of this.#readers) {
      const record = recordOf(reader, address);
      country ??= countryOf(record);
      asn ??= asnOf(record);
    }
    return { country, asn };
  }
}

/** A damaged database shows while it is read. */
function recordOf(reader: Reader<Response>, address: string): unknown {
  try {
    return reader.get(plainAddress(address) ?? address);
  } catch {
    return null;
  }
}

/** `country.iso_code`, or what other makers write: `country_code`, `country`. */
function countryOf(record: unknown): string | null {
  const country = memberOf(record, 'country');
  const told = [memberOf(country, 'iso_code'), memberOf(record, 'country_code'), country];
  const found = told.find((value) => typeof value === 'string' && /^[A-Za-z]{2}$/.test(value));
  return typeof found === 'string' ? found.toLowerCase() : null;
}

/** `autonomous_system_number`, or what other makers write: `asn`, as a number or as `AS3320`. */
function asnOf(record: unknown): string | null {
  const told = memberOf(record, 'autonomous_system_number') ?? memberOf(record, 'asn');
  const [, digits] = /^(?:AS)?([1-9][0-9]{0,9})$/i.exec(String(told ?? '')) ?? [];
  return digits ?? null;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
