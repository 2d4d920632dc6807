import { exponential, gaussian, logNormal, type Random, streamOf, weighted } from './draws.ts';
import { type ExitSpec, silenceMs, type WorldSpec } from './spec.ts';

/** What becomes of one exchange over an exit, after `ms`. `silence` is an answer that nobody waits for; `garbage` comes where the
 *  origin's answer should. */
export interface Fate {
  readonly kind: 'carried' | 'garbage' | 'silence' | 'unavailable' | 'reset';
  readonly ms: number;
}

/** A dead exit keeps silent so often, and otherwise resets. An assumption, as is the tail's exponent. */
const deadSilence = 0.65;
const tailExponent = 1.2;

/** An exit as it truly is. All that it draws comes from streams of its own, one for what it is, one for its lives and one for its
 *  exchanges, so that strategies that use it alike see alike. `now` is ms since the world began. */
export class ExitTruth {
  readonly number: number;
  readonly country: number;
  readonly provider: number;
  /** How suspicious its address is to sites; 1 on average. */
  readonly dirt: number;
  readonly #medianMs: number;
  readonly #failShare: number;
  readonly #isZombie: boolean;
  readonly #room: number;
  readonly #spec: WorldSpec;
  readonly #brownOuts: readonly { begins: number; ends: number; slowness: number; failShare: number }[];
  readonly #lives: Random;
  readonly #luck: Random;
  #alive = true;
  #changesAt: number;
  #inFlight = 0;
  #uses = 0;

  /** `runMs` is how long the world lasts: brown-outs are shares of it. */
  constructor(number: number, spec: WorldSpec, { seed, runMs }: { seed: number; runMs: number }) {
    const random = streamOf(seed, 1, number);
    const { exit, countries, providers, lives } = spec;
    this.#spec = spec;
    this.number = number;
    this.country = weighted(random, countries.map(weightOf));
    this.provider = weighted(random, providers.map(weightOf));
    const provider = providers[this.provider] ?? { name: '', slowness: 1, failures: 1 };
    const slowness = (countries[this.country]?.slowness ?? 1) * provider.slowness;
    this.#medianMs = logNormal(random, exit.medianMs, exit.sigma) * slowness;
    const kind = random();
    this.#isZombie = kind < exit.zombieShare;
    if (this.#isZombie) this.#failShare = 0.7 + 0.3 * random();
    else if (kind < exit.zombieShare + exit.flakyShare) this.#failShare = 0.1 + 0.25 * random();
    else this.#failShare = Math.min(0.08, exponential(random, exit.failShare)) * provider.failures;
    this.#room = exit.roomLeast + Math.floor((exit.roomMost - exit.roomLeast + 1) * random());
    this.dirt = Math.exp(0.7 * gaussian(random) - 0.245);
    this.#brownOuts = spec.brownOuts
      .filter((brownOut) => brownOut.provider === provider.name)
      .map(({ from, to, ...rest }) => ({ begins: from * runMs, ends: to * runMs, ...rest }));
    this.#lives = streamOf(seed, 2, number);
    this.#luck = streamOf(seed, 3, number);
    // The world begins somewhere within this exit's life.
    this.#changesAt = logNormal(this.#lives, lives.medianMs, lives.sigma) * this.#lives();
  }

  /** Exchanges begun so far. */
  get uses(): number {
    return this.#uses;
  }

  /** An exchange begins; `end` gives it back. */
  begin(now: number): Fate {
    const expectedMs = this.expectedMs(now);
    this.#uses++;
    this.#inFlight++;
    const luck = drawLuck(this.#luck, this.#spec.exit);
    const { how, briefMs } = luck;
    if (!this.aliveAt(now))
      return how < deadSilence ? { kind: 'silence', ms: silenceMs } : { kind: 'reset', ms: briefMs };
    if (this.#inFlight > 4 * this.#room) return { kind: 'unavailable', ms: briefMs };
    const ms = Math.min(silenceMs, expectedMs * luck.stretch);
    return luck.failing < this.failShareAt(now) ? this.#failure(luck, ms) : { kind: 'carried', ms };
  }

  #failure({ how, isReset }: Luck, ms: number): Fate {
    const { refusing, silent } = this.#spec.exit;
    const worse = this.#isZombie ? 0.8 * how : how;
    if (worse < refusing) return { kind: isReset ? 'reset' : 'unavailable', ms: 40 + ms / 4 };
    return worse < refusing + silent ? { kind: 'silence', ms: silenceMs } : { kind: 'garbage', ms: 0.8 * ms };
  }

  end(): void {
    this.#inFlight--;
  }

  /** Whether it is there at all. `now` never goes back. */
  aliveAt(now: number): boolean {
    const { lives } = this.#spec;
    while (now >= this.#changesAt) {
      this.#alive = !this.#alive;
      const lasts = this.#alive
        ? logNormal(this.#lives, lives.medianMs, lives.sigma)
        : exponential(this.#lives, lives.awayMs);
      this.#changesAt += Math.max(1, lasts);
    }
    return this.#alive;
  }

  /** Median latency of one more exchange, beside those in flight now. */
  expectedMs(now: number): number {
    const load = (this.#inFlight + 1) / this.#room;
    const crowd = load <= 1 ? 1 + 0.4 * load * load : 1.4 * load * Math.sqrt(load);
    return this.#medianMs * crowd * (this.#brownOutAt(now)?.slowness ?? 1);
  }

  /** The share of exchanges that fail now. */
  failShareAt(now: number): number {
    return Math.min(0.97, this.#failShare + (this.#brownOutAt(now)?.failShare ?? 0));
  }

  #brownOutAt(now: number) {
    return this.#brownOuts.find(({ begins, ends }) => now >= begins && now < ends);
  }
}

/** What chance has in store for one exchange: always the same count of draws, so that streams stay in step. */
interface Luck {
  /** In [0, 1): it fails if this is below the exit's share of failures, and `how` is where in the mix of failures. */
  readonly failing: number;
  readonly how: number;
  readonly isReset: boolean;
  /** How long a failure takes that comes at once. */
  readonly briefMs: number;
  /** Factor on the expected latency: noise, and seldom a Pareto tail of 40 at most. */
  readonly stretch: number;
}

function drawLuck(random: Random, { noise, tailShare }: ExitSpec): Luck {
  const [failing, how, quickness] = [random(), random(), random()];
  const [tail, tailLength] = [random(), random()];
  const longer = tail < tailShare ? Math.min(40, (1 - tailLength) ** (-1 / tailExponent)) : 1;
  const stretch = longer * Math.exp(noise * gaussian(random));
  return { failing, how, isReset: quickness >= 0.5, briefMs: 60 + 200 * quickness, stretch };
}

const weightOf = ({ weight }: { readonly weight: number }) => weight;
