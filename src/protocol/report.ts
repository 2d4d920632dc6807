import { parseHost } from './authority.ts';

/** What a client says of how a site treated an exchange. */
export interface Report {
  readonly about:
    | { readonly by: 'id'; readonly id: string }
    | { readonly by: 'session'; readonly session: string /** Canonical. */; readonly host: string | null }
    | { readonly by: 'tag'; readonly tag: string };
  readonly verdict: 'served' | 'refused' | 'challenge';
  /** How long the site is to be left alone, in ms; null where that isn't said. */
  readonly retryAfterMs: number | null;
}

/** Where a report is wrong, and what was expected there. */
export interface ReportFault {
  /** The member's name; empty for the whole. */
  readonly place: string;
  readonly detail: string;
}

export type ReportReading =
  | { readonly ok: true; readonly report: Report }
  | { readonly ok: false; readonly fault: ReportFault };

const LONGEST_RETRY_S = 86_400;

const known = ['id', 'session', 'site', 'tag', 'verdict', 'retryAfter'] as const;
type Member = (typeof known)[number];

/** Values of the user name grammar; and request ids, as ours are or with hyphens. */
const valuePattern = /^[A-Za-z0-9._~]{1,64}$/;
const idPattern = /^[A-Za-z0-9-]{1,64}$/;

/** Reads a report from JSON text: `{"id": …}`, `{"session": …, "site": …}` (the site may be left out) or `{"tag": …}`, with
 *  `"verdict"` and perhaps `"retryAfter"` in seconds. Other members are a fault. */
export function parseReport(text: string): ReportReading {
  try {
    return readReport(JSON.parse(text));
  } catch {
    return wrong('', 'expected JSON');
  }
}

/** The same from a value as JSON gives it. */
export function readReport(value: unknown): ReportReading {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('', 'expected an object');
  const members: ReadonlyMap<string, unknown> = new Map(Object.entries(value));
  for (const name of members.keys()) {
    if (!isKnown(name)) return wrong(name.slice(0, 64), `unknown member; known are ${known.join(', ')}`);
  }
  const named = (['id', 'session', 'tag'] as const).filter((name) => members.has(name));
  const [by] = named;
  if (by === undefined || named.length > 1) return wrong('', 'expected one of id, session, tag');
  const about = readAbout(by, members);
  if ('fault' in about) return about;
  const verdict = members.get('verdict');
  if (verdict !== 'served' && verdict !== 'refused' && verdict !== 'challenge')
    return wrong('verdict', 'expected served, refused or challenge');
  const retryAfter = members.get('retryAfter');
  if (retryAfter === undefined) return { ok: true, report: { about, verdict, retryAfterMs: null } };
  if (verdict === 'served') return wrong('retryAfter', 'a site that served asks for no rest');
  if (typeof retryAfter !== 'number' || !(retryAfter >= 0 && retryAfter <= LONGEST_RETRY_S))
    return wrong('retryAfter', `expected seconds from 0 to ${LONGEST_RETRY_S}`);
  return { ok: true, report: { about, verdict, retryAfterMs: Math.round(retryAfter * 1000) } };
}

function readAbout(
  by: 'id' | 'session' | 'tag',
  members: ReadonlyMap<string, unknown>,
): Report['about'] | { readonly ok: false; readonly fault: ReportFault } {
  const name = members.get(by);
  const pattern = by === 'id' ? idPattern : valuePattern;
  if (typeof name !== 'string' || !pattern.test(name)) return wrong(by, `expected the ${by} of an exchange`);
  const site = members.get('site');
  if (by !== 'session') {
    if (site !== undefined) return wrong('site', 'goes with session only');
    return by === 'id' ? { by, id: name } : { by, tag: name };
  }
  if (site === undefined) return { by, session: name, host: null };
  const host = typeof site === 'string' ? parseHost(site) : null;
  return host?.ok ? { by, session: name, host: host.value.host } : wrong('site', 'expected the name of a host');
}

const isKnown = (name: string): name is Member => known.some((member) => member === name);

const wrong = (place: string, detail: string) => ({ ok: false, fault: { place, detail } }) as const;
