import type { CertificateView } from '../admin/health.ts';
import type { Config, ListenerConfig } from '../config/config.ts';
import {
  CertificateFault,
  type CertificatePair,
  type CertificateWatch,
  ensureSelfSigned,
  readCertificate,
  watchCertificate,
} from '../listener/certificate.ts';
import { type CertificateEnd, type EndingCertificate, endingText, endOf } from './certificate-end.ts';
import { StartFault } from './start-fault.ts';

/** Certificates by key: see certificateKey. */
export type CertificatePairs = ReadonlyMap<string, CertificatePair>;

/** Certificates of a config that may come into use. Exactly one of `commit` and `abort` is called. */
export interface PreparedCertificates {
  readonly pairs: CertificatePairs;
  /** Reads the files that were in use already once more, lets go of those that are named no more, and says which end soon. */
  commit(): Promise<void>;
  abort(): void;
}

export interface CertificatesOptions {
  /** Where a self-signed certificate is kept. */
  readonly folder: string;
  /** Unix time in ms. */
  readonly wallTime: () => number;
  /** A pair of files that changed, within a second or two. */
  readonly onChange: (key: string, pair: CertificatePair) => void;
  readonly warn: (line: string) => void;
}

/** The gateway's own is made anew by itself when it has so long left, and nobody has started it again by then; and where that fails, tried
 *  again so much later. */
const LAST_MS = 86_400_000;
const AGAIN_MS = 3_600_000;

/** `listener` is the first that uses it. */
interface Standing extends EndingCertificate {
  listener: string;
  pair: CertificatePair;
  end: CertificateEnd;
  /** What was said of its end last. */
  told: string | null;
  /** Makes it anew where it is the gateway's own; null for any other, and while that is done. */
  renew: (() => Promise<unknown>) | null;
  /** When that was begun last. */
  renewedAt: number;
  readonly watch: CertificateWatch;
}

/** The certificates of all listeners: made, read and watched by one thread for all that serve them. */
export class Certificates {
  readonly #options: CertificatesOptions;
  #standing = new Map<string, Standing>();

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** Those in use, as they are now. */
  get pairs(): CertificatePairs {
    return pairsOf(this.#standing);
  }

  /** Why some of them are as they were before. */
  get faults(): readonly string[] {
    return [...this.#standing.values()].flatMap(({ listener, watch: { fault } }) =>
      fault === null ? [] : [faultText(listener, fault)],
    );
  }

  /** When those in use end. */
  get views(): readonly CertificateView[] {
    const now = this.#options.wallTime();
    return [...this.#standing.values()].map((one) => ({
      listener: one.listener,
      endsAt: new Date(one.end.untilMs).toISOString(),
      ending: endingText(one, now),
    }));
  }

  /** Says of which the end is near, of each once a day, and makes the gateway's own anew on its last, or where a clock that went back
   *  has left it in the future. To be called now and then: it touches no file before. */
  attendToEndings(): void {
    const now = this.#options.wallTime();
    for (const one of this.#standing.values()) {
      const text = endingText(one, now);
      if (text !== null && text !== one.told) this.#options.warn(text);
      one.told = text;
      if (isUnfit(one.end, now) && Math.abs(now - one.renewedAt) >= AGAIN_MS) void this.#renew(one, now);
    }
  }

  /** What it writes is seen as any change of the files is. */
  async #renew(one: Standing, now: number): Promise<void> {
    const { renew } = one;
    one.renew = null;
    one.renewedAt = now;
    await renew?.().catch((cause: unknown) => this.#options.warn(`listener ${one.listener}: ${unmade(cause)}`));
    one.renew = renew;
  }

  /** Opens what `config` names. Throws StartFault where one can't serve; then nothing has changed. */
  async prepare(config: Config): Promise<PreparedCertificates> {
    const next = new Map<string, Standing>();
    const names = new Map<Standing, string>();
    const letGo = (of: Map<string, Standing>, unless: Map<string, Standing>) => {
      for (const [key, { watch }] of of) if (!unless.has(key)) watch.close();
    };
    try {
      for (const listener of config.listeners) {
        const key = certificateKey(listener);
        if (key === null || next.has(key)) continue;
        const standing = this.#standing.get(key) ?? (await this.#open(listener, { key, config }));
        next.set(key, standing);
        names.set(standing, listener.name);
      }
    } catch (fault) {
      letGo(next, this.#standing);
      throw fault;
    }
    return {
      pairs: pairsOf(next),
      commit: async () => {
        const former = this.#standing;
        this.#standing = next;
        letGo(former, next);
        for (const [standing, name] of names) standing.listener = name;
        await Promise.all([...next].map(([key, { watch }]) => former.has(key) && watch.reload()));
        // Whoever starts or reloads looks at what is said then.
        for (const one of next.values()) one.told = null;
        this.attendToEndings();
      },
      abort: () => letGo(next, this.#standing),
    };
  }

  close(): void {
    for (const { watch } of this.#standing.values()) watch.close();
    this.#standing.clear();
  }

  async #open({ name, certificate }: ListenerConfig, { key, config }: { key: string; config: Config }) {
    const { folder, wallTime, onChange, warn } = this.#options;
    const hosts = config.listeners.map(({ host }) => host);
    const files =
      certificate === 'auto' ? { cert: `${folder}/certificate.pem`, key: `${folder}/key.pem` } : certificate;
    const isOwn = certificate === 'auto';
    const makeOwn = () => ensureSelfSigned(folder, hosts, wallTime());
    const pair = await (isOwn ? makeOwn() : readCertificate(files)).catch((cause: unknown) => {
      const what = cause instanceof CertificateFault ? cause.message : unmade(cause);
      throw new StartFault(2, [`listener ${name}: ${what}`], { cause });
    });
    const watch = watchCertificate(files, pair, {
      onChange: (fresh) => {
        standing.pair = fresh;
        standing.end = endOf(fresh);
        onChange(key, fresh);
      },
      onFault: (fault) => warn(faultText(standing.listener, fault)),
    });
    const standing: Standing = {
      listener: name,
      files,
      isOwn,
      pair,
      end: endOf(pair),
      told: null,
      renew: isOwn ? makeOwn : null,
      renewedAt: Number.NEGATIVE_INFINITY,
      watch,
    };
    return standing;
  }
}

function faultText(listener: string, { message }: CertificateFault): string {
  return `listener ${listener}: ${message}; the former certificate stays`;
}

const isUnfit = ({ fromMs, untilMs }: CertificateEnd, now: number): boolean => untilMs - now < LAST_MS || now < fromMs;

const unmade = (cause: unknown): string =>
  `cannot make a certificate: ${cause instanceof Error ? cause.message : String(cause)}`;

/** What makes a listener's certificate another one; null for a listener without TLS. */
export function certificateKey({ protocols, certificate }: ListenerConfig): string | null {
  return protocols.includes('https') ? JSON.stringify(certificate) : null;
}

function pairsOf(standing: ReadonlyMap<string, Standing>): CertificatePairs {
  return new Map([...standing].map(([key, { pair }]) => [key, { cert: pair.cert, key: pair.key }]));
}
