import type { ClientDirectory } from '../policy/client-directory.ts';
import type { Identity } from './admission.ts';

/** Logins remembered at most; a client that changes its parameters with every request has many. */
const CAPACITY = 4096;

/** Logins that were found right, so that a client's next request costs no hash and no parsing. They are forgotten as soon as the
 *  clients change: each request is still judged by its own credential, against the clients as they stand. */
export class VerifiedLogins {
  #directory: ClientDirectory | null = null;
  readonly #identities = new Map<string, Identity>();

  /** Who `evidence` proved to be in this very directory, or undefined. The evidence must hold everything that the judgement
   *  depends on: credential, source, listener. */
  recall(directory: ClientDirectory, evidence: string): Identity | undefined {
    return directory === this.#directory ? this.#identities.get(evidence) : undefined;
  }

  remember(directory: ClientDirectory, evidence: string, identity: Identity): void {
    if (directory !== this.#directory || this.#identities.size >= CAPACITY) this.#identities.clear();
    this.#directory = directory;
    this.#identities.set(evidence, identity);
  }
}
