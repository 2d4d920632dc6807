import { failed, type Parsed, parsed } from '../protocol/decoded.ts';
import { type Endpoint, parseEndpoint } from '../protocol/endpoint.ts';
import { type Geo, type Place, places } from '../protocol/places.ts';
import { type Pattern, type Placeholder, parsePattern, portsOf, renderPattern, valuesIn } from './pattern.ts';
import { patternOptions, type TemplateSpec } from './template-spec.ts';
import { charactersOf, plainRule, type Speller, spell, spellerOf, togetherFault } from './value-rule.ts';

/** What tells one exit of a template from the others. */
export interface SessionWords {
  /** A word of this length, made of these characters; another one for each `label`. */
  word(label: string, characters: string, length: number): string;
  /** One of so many ports, counted from 0. */
  port(count: number): number;
}

/** What a template is rendered with. */
export interface RenderValues extends SessionWords {
  /** As the vendor spells them. */
  readonly places: Geo;
  /** What is asked for with `{ttl}`, in ms; null for nothing. */
  readonly ttlMs: number | null;
}

const ttlUnits = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Stands for a value where only the form of what comes of it matters. It is fit for a host too. */
const SAMPLE = 'xx';

/** A character that no value and no text of a template holds. */
const MARK = '\u0001';

const RANDOM_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

interface Parts {
  readonly host: Pattern;
  readonly port: Pattern;
  readonly username: Pattern | null;
  readonly password: Pattern;
}

/** A vendor's endpoint with places for what makes one exit of it. */
export class Template {
  readonly spec: TemplateSpec;
  /** What stands in it somewhere. */
  readonly takes: ReadonlySet<Placeholder>;
  /** How many exits can be told apart for one place. */
  readonly sessions: number;
  readonly #parts: Parts;
  readonly #spellers: { readonly [Name in Place]: Speller };
  readonly #unitMs: number;
  readonly #sessionCharacters: string;
  /** In canonical form, where it is always the same. */
  #host: string | null = null;

  private constructor(spec: TemplateSpec, parts: Parts) {
    this.spec = spec;
    this.#parts = parts;
    this.#sessionCharacters = charactersOf(spec.alphabet).join('');
    const values = [parts.host, parts.port, parts.username ?? [], parts.password].flatMap((one) => [...valuesIn(one)]);
    this.takes = new Set(values.map(({ name }) => name));
    const { from, to } = portsOf(values.find(({ name }) => name === 'port')?.argument ?? '1-1');
    const named = this.takes.has('session') || this.takes.has('random');
    this.sessions = named ? Number.POSITIVE_INFINITY : to - from + 1;
    this.#unitMs = Math.max(
      ...values.map(({ name, argument }) => (name === 'ttl' ? unitOf(argument) : ttlUnits.s)),
      ttlUnits.s,
    );
    const speller = (place: Place) => [place, spellerOf(spec.rules[place] ?? plainRule(place))] as const;
    this.#spellers = Object.fromEntries(places.map(speller)) as { [Name in Place]: Speller };
  }

  /** Fault (bad_request): a placeholder that isn't known, or patterns that make no endpoint. It shows no part of the credential. */
  static read(spec: TemplateSpec): Parsed<Template> {
    const options = patternOptions(spec);
    const read = (text: string) => parsePattern(text, options);
    const host = read(spec.host);
    if (!host.ok) return failed('bad_request', host.message);
    const port = read(spec.port);
    if (!port.ok) return failed('bad_request', port.message);
    const username = spec.username === null ? null : read(spec.username);
    if (username?.ok === false) return failed('bad_request', username.message);
    const password = read(spec.password);
    if (!password.ok) return failed('bad_request', password.message);
    const parts = {
      host: host.pattern,
      port: port.pattern,
      username: username?.pattern ?? null,
      password: password.pattern,
    };
    const template = new Template(spec, parts);
    const fault = template.#formFault();
    return fault === null ? parsed(template) : failed('bad_request', fault);
  }

  /** Why the vendor can't be asked for these places (in our form) and no others; null where it can. Says which of them it is
   *  about, and nothing that was written. */
  refusal(asked: Geo): { readonly place: Place | null; readonly message: string } | null {
    const spelled = this.spelled(asked);
    if (!spelled.ok) return spelled;
    const together = togetherFault(asked, this.#spellers);
    if (together !== null)
      return { place: places.findLast((place) => asked[place] !== undefined) ?? null, message: together };
    const endpoint = this.render({ ...sampleWords, places: spelled.places, ttlMs: null });
    if (endpoint === undefined) {
      const missing = places.find((place) => this.takes.has(place) && asked[place] === undefined);
      return { place: missing ?? null, message: `the vendor is always asked for a ${missing ?? 'place'}` };
    }
    const lost = places.find((place) => asked[place] !== undefined && !this.#shows(place, spelled.places));
    if (lost !== undefined)
      return { place: lost, message: `the vendor can't be asked for a ${lost} beside all of that` };
    // The longest that a duration makes of it has to be told as well.
    const ttlMs = this.ttlFor(this.spec.mostTtlMs);
    const longest = this.render({ ...sampleWords, places: spelled.places, ttlMs }) ?? endpoint;
    const message = this.#dialFault(endpoint) ?? this.#dialFault(longest);
    return message === null ? null : { place: null, message };
  }

  /** Places as the vendor spells them. Those that it takes only. */
  spelled(
    asked: Geo,
  ):
    | { readonly ok: true; readonly places: Geo }
    | { readonly ok: false; readonly place: Place; readonly message: string } {
    const found: { [Name in Place]?: string } = {};
    for (const place of places) {
      const value = asked[place];
      if (value === undefined) continue;
      if (!this.takes.has(place)) return { ok: false, place, message: `the vendor can't be asked for a ${place}` };
      const spelling = spell(place, value, this.#spellers[place]);
      if (!spelling.ok) return { ok: false, place, message: spelling.message };
      found[place] = spelling.value;
    }
    return { ok: true, places: found };
  }

  /** What is asked for with `{ttl}` where `ttlMs` is wanted: whole units, within what the vendor takes; null where it takes none. */
  ttlFor(ttlMs: number | null): number | null {
    if (ttlMs === null || !this.takes.has('ttl')) return null;
    const { leastTtlMs, mostTtlMs } = this.spec;
    const units = Math.ceil(Math.min(Math.max(ttlMs, leastTtlMs), mostTtlMs) / this.#unitMs);
    return Math.max(1, units) * this.#unitMs;
  }

  /** The endpoint; undefined where a value that must stand there isn't among them. */
  render(values: RenderValues): Endpoint | undefined {
    const { scheme, account, length } = this.spec;
    let randoms = 0;
    const tell = (name: Placeholder, argument: string): string | undefined => {
      switch (name) {
        case 'session':
          return values.word('session', this.#sessionCharacters, length);
        case 'random':
          randoms += 1;
          return values.word(`random ${randoms}`, RANDOM_CHARACTERS, Number(argument));
        case 'port': {
          const { from, to } = portsOf(argument);
          return String(from + values.port(to - from + 1));
        }
        case 'ttl':
          return values.ttlMs === null ? undefined : String(Math.ceil(values.ttlMs / unitOf(argument)));
        case 'username':
        case 'password':
          return account[name];
        default:
          return values.places[name];
      }
    };
    const { host, port, username, password } = this.#parts;
    const rendered = {
      host: this.#host ?? renderPattern(host, tell)?.toLowerCase(),
      port: renderPattern(port, tell),
      username: username === null ? undefined : renderPattern(username, tell),
      password: renderPattern(password, tell),
    };
    if (rendered.host === undefined || rendered.port === undefined) return undefined;
    const at = { scheme, host: rendered.host, port: Number(rendered.port) };
    if (username === null) return at;
    if (rendered.username === undefined || rendered.password === undefined) return undefined;
    return { ...at, username: rendered.username, password: rendered.password };
  }

  /** Whether a place is told to the vendor where these are asked for. */
  #shows(place: Place, spelled: Geo): boolean {
    const endpoint = this.render({ ...sampleWords, places: { ...spelled, [place]: MARK }, ttlMs: null });
    return [endpoint?.host, endpoint?.username, endpoint?.password].some((part) => part?.includes(MARK) === true);
  }

  /** What is wrong with the endpoints that come of it; null for nothing. */
  #formFault(): string | null {
    if (!/^(?:[0-9]+|\{port:[0-9-]+\})$/.test(this.spec.port))
      return 'the port is a number, or a range such as {port:10001-19999}';
    const everywhere = Object.fromEntries(places.map((place) => [place, SAMPLE]));
    const endpoint = this.render({ ...sampleWords, places: everywhere, ttlMs: this.#unitMs });
    if (endpoint === undefined) return 'it makes no endpoint';
    const read = this.#dialled(endpoint);
    if (read.ok && valuesIn(this.#parts.host).next().done === true) this.#host = read.value.host;
    return read.ok ? null : read.fault.detail;
  }

  #dialFault(endpoint: Endpoint): string | null {
    const read = this.#dialled(endpoint);
    return read.ok ? null : read.fault.detail;
  }

  #dialled({ host, port, username, password = '' }: Endpoint): Parsed<Endpoint> {
    const credential = username === undefined ? null : { username, password };
    return parseEndpoint(this.spec.scheme, `${hostText(host)}:${port}`, credential);
  }
}

const unitOf = (argument: string): number => (argument === 's' || argument === 'h' ? ttlUnits[argument] : ttlUnits.m);

const hostText = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);

const sampleWords: SessionWords = {
  word: (_label, _characters, length) => 'x'.repeat(length),
  port: () => 0,
};
