import { GatewayError } from '../../errors.ts';
import type { ClientDirectory, ClientRecord } from '../../policy/client-directory.ts';
import { ClientQuotas } from '../../policy/quota-book.ts';
import { parseQuotaRule, type QuotaRule } from '../../protocol/quota-rule.ts';

/** What of a client its quotas depend on. */
export type QuotaClient = Pick<ClientRecord, 'name' | 'quotas'>;

export interface QuotaBooksOptions {
  /** What holds for every client that has no rules of its own; replaced as a whole by a reload. */
  readonly everyone: () => readonly QuotaRule[];
  /** The clients as they stand, replaced as a whole by a change: of what runs longer the present quotas hold. */
  readonly directory: () => Pick<ClientDirectory, 'get'>;
}

/** The quotas of clients, as their rules and those of everyone stand now. */
export class QuotaBooks {
  readonly #options: QuotaBooksOptions;
  #everyone: readonly QuotaRule[] | null = null;
  #clients: Pick<ClientDirectory, 'get'> | null = null;
  #books = new WeakMap<QuotaClient, ClientQuotas>();

  constructor(options: QuotaBooksOptions) {
    this.#options = options;
  }

  /** Whether the client has any. */
  has({ quotas }: QuotaClient): boolean {
    return quotas.length > 0 || this.#options.everyone().length > 0;
  }

  /** The same of a client as it stands now. */
  hasNow(client: QuotaClient): boolean {
    return this.has(this.#options.directory().get(client.name) ?? client);
  }

  /** Stands for all rules as they are now: another value once any has changed. */
  rules(): object {
    const [rules, clients] = [this.#options.everyone(), this.#options.directory()];
    // Asked several times for each exchange, and changed rarely.
    if (rules !== this.#everyone || clients !== this.#clients) {
      this.#everyone = rules;
      this.#clients = clients;
      this.#books = new WeakMap();
    }
    return this.#books;
  }

  /** Rules that can't be read were judged before they were stored: one that no longer can be refuses everything, rather than
   *  nothing. */
  of(client: QuotaClient): ClientQuotas {
    this.rules();
    const known = this.#books.get(client);
    if (known !== undefined) return known;
    const { name, quotas } = this.#options.directory().get(client.name) ?? client;
    const book = new ClientQuotas(name, { own: quotas.map(readRule), everyone: this.#options.everyone() });
    this.#books.set(client, book);
    return book;
  }

  /** The same, for who only tells of them; null where they can't be read. */
  readable(client: QuotaClient): ClientQuotas | null {
    try {
      return this.of(client);
    } catch (fault) {
      if (fault instanceof GatewayError) return null;
      throw fault;
    }
  }
}

function readRule(text: string): QuotaRule {
  const reading = parseQuotaRule(text);
  if (reading.ok) return reading.value;
  throw new GatewayError('internal', { detail: `in the client's quotas: ${reading.message}` });
}
