export interface StopActions {
  /** Drains, and saves what is left. */
  readonly stop: () => Promise<void>;
  /** Cuts what the drain waits for. False where it waits for nothing. */
  readonly hurry: () => boolean;
  readonly kill: () => void;
  readonly warn: (line: string) => void;
}

/** What signals to stop do, one after another: the first drains, a second cuts what is under way, and a third waits for nothing: not for
 *  what is being saved either. The first two wait until the start is over. */
export class Stopping {
  readonly #actions: StopActions;
  readonly #stopped = Promise.withResolvers<number>();
  #isStarted = false;
  #signals = 0;
  #exitCode = 0;

  constructor(actions: StopActions) {
    this.#actions = actions;
  }

  /** Resolves with the exit code: 1 where something was cut by a second signal, or couldn't be saved. */
  get stopped(): Promise<number> {
    return this.#stopped.promise;
  }

  /** There is something to drain: signals do what they are meant to, those that came before at once. */
  started(): void {
    this.#isStarted = true;
    if (this.#signals > 0) void this.#stop();
    if (this.#signals > 1) this.#hurry();
  }

  signal(): void {
    this.#signals++;
    if (this.#signals > 2) this.#actions.kill();
    else if (!this.#isStarted) return;
    else if (this.#signals === 1) void this.#stop();
    else this.#hurry();
  }

  async #stop(): Promise<void> {
    try {
      await this.#actions.stop();
      this.#stopped.resolve(this.#exitCode);
    } catch (fault) {
      this.#actions.warn(`not everything was saved: ${fault instanceof Error ? fault.stack : fault}`);
      this.#stopped.resolve(1);
    }
  }

  #hurry(): void {
    const { hurry, warn } = this.#actions;
    const isCut = hurry();
    if (isCut) this.#exitCode = 1;
    warn(isCut ? 'exchanges under way are cut' : 'what is left is being saved');
  }
}
