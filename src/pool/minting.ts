import { GatewayError } from '../errors.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import { type Geo, type Place, places } from '../protocol/places.ts';
import { digestNumber, digestWord } from './digest.ts';
import type { Asked, Mint, Minted, Rotation } from './exit.ts';
import { type SessionWords, Template } from './template.ts';
import type { TemplateSpec } from './template-spec.ts';

/** A template at work for one pool and one choice of places. */
export class Minting implements Mint {
  readonly template: Template;
  /** What its exits' ids depend on, beside the number of the session: nothing that a session, a duration or a password changes. */
  readonly identity: readonly string[];
  /** Places for which a request's own are passed on to the vendor. */
  readonly open: ReadonlySet<Place>;
  /** In our form. */
  readonly #fixed: Geo;
  /** As the vendor wants them. */
  readonly #spelled: Geo;

  constructor(pool: string, template: Template, fixed: Geo) {
    this.template = template;
    this.#fixed = fixed;
    const spelled = template.spelled(fixed);
    // Who writes a template out writes its places as the vendor wants them.
    this.#spelled = template.spec.encoded || !spelled.ok ? fixed : spelled.places;
    this.open = new Set(places.filter((place) => template.takes.has(place) && fixed[place] === undefined));
    this.identity = identityOf(pool, template, fixed);
  }

  /** The endpoint of session number `session`; another `epoch` is another id for the same session. */
  endpointOf(session: number, epoch = 0): Endpoint {
    const name = ['slot', ...this.identity, String(session), ...(epoch === 0 ? [] : [String(epoch)])];
    const words = wordsOf(name, (count) => session % count);
    return this.#render(words, this.#spelled, this.template.spec.ttlMs);
  }

  /** A fresh exit, the same for the same `sessionKey` and the same that is asked for. What the vendor can't be asked for
   *  (`refusal`) must not be asked. */
  mint(sessionKey: string, asked: Asked): Minted {
    const own = this.#own(sessionKey, asked);
    const spelled = this.template.spelled(own);
    if (!spelled.ok)
      throw new GatewayError('internal', { detail: 'a vendor was to be asked for what it can not give' });
    const asking = places.flatMap((place) => own[place] ?? []);
    const name = ['mint', ...this.identity, sessionKey, ...asking];
    const words = wordsOf(name, (count) => digestNumber([...name, 'port'], count));
    const ttlMs = asked.ttlMs ?? this.template.spec.ttlMs;
    return { endpoint: this.#render(words, { ...this.#spelled, ...spelled.places }, ttlMs), geo: own };
  }

  markOf(asked: Asked): number {
    if (this.open.size === 0) return 0;
    const told = places.flatMap((place) => (this.open.has(place) ? [String(asked[place] ?? '')] : []));
    return digestNumber(['mark', ...told], 2 ** 16);
  }

  /** Why the vendor can't be asked for these places beside its own, of which the caller has found that they fit; null where it
   *  can. */
  refusal(asked: Geo): { readonly place: Place | null; readonly message: string } | null {
    const open: { [Name in Place]?: string } = {};
    for (const place of this.open) if (asked[place] !== undefined) open[place] = asked[place];
    return this.template.refusal({ ...this.#toldOf(this.#fixed), ...open });
  }

  /** What follows the ids of session number `session` when their time is over; null where it never is. */
  rotationOf(session: number): Rotation | null {
    const { idleMs } = this;
    const lifetimeMs = this.lifetimeMs(null);
    if (lifetimeMs === null && idleMs === null) return null;
    return { lifetimeMs, idleMs, endpointOf: (epoch) => this.endpointOf(session, epoch) };
  }

  get idleMs(): number | null {
    return this.template.spec.idleMs;
  }

  /** How long an id stands for one address, in ms, where a session wants `ttlMs`; null where that isn't known to end. */
  lifetimeMs(ttlMs: number | null): number | null {
    return this.template.ttlFor(ttlMs ?? this.template.spec.ttlMs) ?? this.template.spec.lifetimeMs;
  }

  /** What is asked for and not settled by the pool: of several countries one. */
  #own(sessionKey: string, asked: Asked): Geo {
    const own: { [Name in Place]?: string } = {};
    for (const place of this.open) {
      const value = place === 'country' ? this.#countryOf(sessionKey, asked) : asked[place];
      if (value !== undefined) own[place] = value;
    }
    return own;
  }

  #countryOf(sessionKey: string, { country: countries = [], ...asked }: Asked): string | undefined {
    const [only, ...others] = countries;
    if (others.length === 0) return only;
    const fit = countries.filter((country) => this.refusal({ ...asked, country }) === null);
    return fit[digestNumber(['country', sessionKey], Math.max(1, fit.length))] ?? only;
  }

  /** Those that the template takes: of others that a pool says of its exits the vendor is told nothing. */
  #toldOf(values: Geo): Geo {
    return Object.fromEntries(
      places.filter((place) => this.template.takes.has(place)).map((place) => [place, values[place]]),
    );
  }

  #render(words: SessionWords, spelled: Geo, ttlMs: number | null): Endpoint {
    const endpoint = this.template.render({ ...words, places: spelled, ttlMs: this.template.ttlFor(ttlMs) });
    if (endpoint === undefined)
      throw new GatewayError('internal', { detail: 'a template lacks a value that it needs' });
    return endpoint;
  }
}

/** Mints of a template that was read before. */
export function mintingOf(pool: string, { text, values }: { readonly text: string; readonly values: string }): Minting {
  const spec: TemplateSpec = JSON.parse(text);
  const template = Template.read(spec);
  if (!template.ok)
    throw new GatewayError('internal', { detail: 'a template that was read once cannot be read again' });
  return new Minting(pool, template.value, JSON.parse(values));
}

/** Scheme, host, port and user name of a template without what makes one exit of it: what tells its account from others. */
export function accountIdentityOf(template: Template): readonly string[] {
  const nothing = { word: () => '', port: () => 0 };
  const blanks = Object.fromEntries(places.map((place) => [place, '']));
  const { spec } = template;
  const blank =
    template.render({ ...nothing, places: {}, ttlMs: null }) ??
    template.render({ ...nothing, places: blanks, ttlMs: null });
  return [spec.scheme, blank?.host ?? spec.host, String(blank?.port ?? spec.port), blank?.username ?? ''];
}

function identityOf(pool: string, template: Template, fixed: Geo): readonly string[] {
  const named = places.flatMap((place) => {
    const value = fixed[place];
    return value === undefined || !template.takes.has(place)
      ? []
      : [place === 'country' ? value.toLowerCase() : `${place} ${value}`];
  });
  return [pool, ...accountIdentityOf(template), ...named];
}

function wordsOf(name: readonly string[], port: SessionWords['port']): SessionWords {
  return {
    word: (label, characters, length) => digestWord([...name, label], characters, length),
    port,
  };
}
