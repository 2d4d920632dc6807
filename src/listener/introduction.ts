import { GatewayError } from '../errors.ts';
import { authenticate, faultError, type Identity, type Introduction } from '../gateway/admission.ts';
import { parseBasic, type ReceivedCredential } from '../protocol/credentials.ts';
import type { Fields } from '../protocol/fields.ts';
import { ownText } from '../protocol/own-text.ts';
import type { ListenerContext } from './context.ts';

/** Who asks over one connection of HTTP requests. Each request is judged by its own credential, against the clients as they stand; but
 *  most show what the one before showed, and then nothing need be looked up. */
export class ConnectionLogin {
  readonly #context: ListenerContext;
  readonly #source: string;
  /** Null once one has held. */
  #onProved: (() => void) | null;
  #last: Shown | null = null;

  /** `onProved` is told once, when the first login has held; null where one has. */
  constructor(context: ListenerContext, source: string, onProved: (() => void) | null) {
    this.#context = context;
    this.#source = source;
    this.#onProved = onProved;
  }

  /** Whether any login has held on this connection so far. */
  get hasHeld(): boolean {
    return this.#onProved === null;
  }

  /** Throws as authenticate() does. */
  of(fields: Fields): Identity {
    const { gateway, dialects } = this.#context;
    const [value = null, ...more] = fields.all(CREDENTIAL);
    const clients = gateway.directory().mark;
    const exitField = exitFieldOf(dialects, fields) ?? null;
    const last = more.length === 0 && this.#last?.clients === clients ? this.#last : null;
    if (last !== null && last.value === value && last.exitField === exitField) return last.identity;
    const identity = this.ofLast(fields);
    this.#last = more.length > 0 ? null : { value: copyOf(value), exitField: copyOf(exitField), clients, identity };
    return identity;
  }

  /** As of(), for a request behind which there will hardly be another: nothing is kept of it. */
  ofLast(fields: Fields): Identity {
    const identity = authenticate(this.#context.gateway, introductionOf(this.#context, this.#source, fields));
    this.#onProved?.();
    this.#onProved = null;
    return identity;
  }
}

interface Shown {
  readonly value: string | null;
  readonly exitField: string | null;
  /** The mark of the directory that it was proved by. */
  readonly clients: object;
  readonly identity: Identity;
}

const copyOf = (text: string | null): string | null => (text === null ? null : ownText(text));

const CREDENTIAL = 'proxy-authorization';

const exitFieldOf = (dialects: ListenerContext['dialects'], fields: Fields): string | undefined =>
  dialects.includes('scrapoxy') ? fields.get('x-scrapoxy-proxyname') : undefined;

/** What an HTTP request shows of its client, who connects from `source`. */
export function introductionOf(context: ListenerContext, source: string, fields: Fields): Introduction {
  const { name, boundClient, dialects } = context;
  const values = fields.all(CREDENTIAL);
  return {
    evidence: evidenceOf(values),
    credential: () => readCredential(values),
    source,
    listener: name,
    boundClient,
    dialects,
    exitField: exitFieldOf(dialects, fields),
  };
}

/** One value can hold no line break, so nothing else is taken for it. */
function evidenceOf(values: readonly string[]): string | null {
  const [value = null] = values;
  return values.length > 1 ? `http ${values.join('\n')}` : value;
}

/** The credential of one request. Two of them are as good as none. Throws auth_required or auth_failed. */
function readCredential([value = '', ...more]: readonly string[]): ReceivedCredential {
  if (more.length > 0) throw new GatewayError('auth_failed', { detail: 'more than one Proxy-Authorization' });
  const credential = parseBasic(value);
  if (!credential.ok) throw faultError(credential.fault);
  return credential.value;
}
