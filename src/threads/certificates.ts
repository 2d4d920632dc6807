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

/** `listener` is the first that uses it. */
interface Standing extends EndingCertificate {
  pair: CertificatePair;
  end: CertificateEnd;
  /** What was said of its end last. */
  told: string | null;
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

  /** Says of which the end is near, of each once a day. To be called now and then: it reads no file. */
  tellEndings(): void {
    const now = this.#options.wallTime();
    for (const one of this.#standing.values()) {
      const text = endingText(one, now);
      if (text !== null && text !== one.told) this.#options.warn(text);
      one.told = text;
    }
  }

  /** Opens what `config` names. Throws StartFault where one can't serve; then nothing has changed. */
  async prepare(config: Config): Promise<PreparedCertificates> {
    const next = new Map<string, Standing>();
    const letGo = (of: Map<string, Standing>, unless: Map<string, Standing>) => {
      for (const [key, { watch }] of of) if (!unless.has(key)) watch.close();
    };
    try {
      for (const listener of config.listeners) {
        const key = certificateKey(listener);
        if (key === null || next.has(key)) continue;
        next.set(key, this.#standing.get(key) ?? (await this.#open(listener, { key, config })));
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
        await Promise.all([...next].map(([key, { watch }]) => former.has(key) && watch.reload()));
        // Whoever starts or reloads looks at what is said then.
        for (const one of next.values()) one.told = null;
        this.tellEndings();
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
    const opening = certificate === 'auto' ? ensureSelfSigned(folder, hosts, wallTime()) : readCertificate(files);
    const pair = await opening.catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      const what = cause instanceof CertificateFault ? why : `cannot make a certificate: ${why}`;
      throw new StartFault(2, [`listener ${name}: ${what}`], { cause });
    });
    const watch = watchCertificate(files, pair, {
      onChange: (fresh) => {
        standing.pair = fresh;
        standing.end = endOf(fresh);
        onChange(key, fresh);
      },
      onFault: (fault) => warn(faultText(name, fault)),
    });
    const isOwn = certificate === 'auto';
    const standing: Standing = { listener: name, files, isOwn, pair, end: endOf(pair), told: null, watch };
    return standing;
  }
}

function faultText(listener: string, { message }: CertificateFault): string {
  return `listener ${listener}: ${message}; the former certificate stays`;
}

/** What makes a listener's certificate another one; null for a listener without TLS. */
export function certificateKey({ protocols, certificate }: ListenerConfig): string | null {
  return protocols.includes('https') ? JSON.stringify(certificate) : null;
}

function pairsOf(standing: ReadonlyMap<string, Standing>): CertificatePairs {
  return new Map([...standing].map(([key, { pair }]) => [key, { cert: pair.cert, key: pair.key }]));
}
