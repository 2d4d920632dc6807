import { GatewayError } from '../errors.ts';
import type { ClientDirectory, ClientRecord } from '../policy/client-directory.ts';
import { ClientQuotas } from '../policy/quota-book.ts';
import { parseQuotaRule, type QuotaRule } from '../protocol/quota-rule.ts';

/** What of a client its quotas depend on. */
export type QuotaClient = Pick<ClientRecord, 'name' | 'quotas'>;

export interface QuotaBooksOptions {
  /** What holds for every client that has no rules of its own; replaced as a whole by a reload. */
  readonly everyone: () => readonly QuotaRule[];
  /** The clients as they stand: of what runs longer the present quotas hold. */
  readonly directory: () => Pick<ClientDirectory, 'get'>;
}

/** The quotas of clients, as their rules and those of everyone stand now. */
export class QuotaBooks {
  readonly #options: QuotaBooksOptions;
  #everyone: readonly QuotaRule[] | null = null;
  #books = new WeakMap<QuotaClient, ClientQuotas>();

  constructor(options: QuotaBooksOptions) {
    this.#options = options;
  }

  /** Whether the client has any. */
  has({ quotas }: QuotaClient): boolean {
    return quotas.length > 0 || this.#options.everyone().length > 0;
  }

  /** Rules that can't be read were judged before they were stored: one that no longer can be refuses everything, rather than
   *  nothing. */
  of(client: QuotaClient): ClientQuotas {
    const { everyone, directory } = this.#options;
    const rules = everyone();
    if (rules !== this.#everyone) {
      this.#everyone = rules;
      this.#books = new WeakMap();
    }
    const present = directory().get(client.name) ?? client;
    const known = this.#books.get(present);
    if (known !== undefined) return known;
    const book = new ClientQuotas(present.name, { own: present.quotas.map(readRule), everyone: rules });
    this.#books.set(present, book);
    return book;
  }
}

function readRule(text: string): QuotaRule {
  const reading = parseQuotaRule(text);
  if (reading.ok) return reading.value;
  throw new GatewayError('internal', { detail: `in the client's quotas: ${reading.message}` });
}
