/** Words of a group's row. */
export const GROUP_WORDS = 16;

/** What each word of a group's row holds. `i` are Int32, `f` Float32. */
export const GroupWord = Object.freeze({
  /** i: the row of the provider that it belongs to; its own where it is one. */
  provider: 0,
  /** i: its tier, 0 to 3. */
  tier: 1,
  /** f: what a gigabyte costs. */
  pricePerGB: 2,
  /** f: natural logarithm of the latency in ms of its exit in the middle, and i: over how many answers. */
  level: 3,
  answers: 4,
  /** f: share of attempts whose way through worked, of the last sixteen or so, and of some thousands; i: how many there were. */
  worksNow: 5,
  worksLong: 6,
  attempts: 7,
  /** f: how long a failure takes to show, in ms. */
  failMs: 8,
  /** f: how many standard deviations the slowest twentieth of answers is later than expected. */
  lateness: 9,
  /** f: time of a page, in ms, over all that are served. Kept in row 0 alone. */
  pageMs: 10,
  /** f: natural logarithm of the width of its exits: how many exchanges at once make one take twice as long. */
  width: 11,
  /** i: 1 where something was learned, of whatever, since that was last asked. Kept in row 0 alone. */
  learned: 12,
});

/** The row that stands for everything: its provider's figures serve where nothing better is known. */
export const EVERYTHING = 0;

const START = Object.freeze({ works: 0.95, failMs: 3_000, lateness: 1.7, pageMs: 800, width: Math.log(2) });

/** Groups of exits that fare alike, provider × country, in shared memory of a fixed size. The control thread adds them. */
export class GroupTable {
  readonly ints: Int32Array;
  readonly floats: Float32Array;
  readonly capacity: number;
  readonly #rows = new Map<string, number>();

  constructor(buffer: SharedArrayBuffer) {
    this.ints = new Int32Array(buffer);
    this.floats = new Float32Array(buffer);
    this.capacity = this.ints.length / GROUP_WORDS;
  }

  /** Memory for `groups` groups, with the row of everything begun. At most 65,536 fit into an exit's row. */
  static allocate(groups = 4096): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer(Math.min(groups, 2 ** 16) * GROUP_WORDS * 4);
    new GroupTable(buffer).#begin(EVERYTHING, EVERYTHING, { tier: 0, pricePerGB: 0 });
    return buffer;
  }

  /** Control thread: the row of a provider's exits in a country, made if need be. Where the table is full, the provider's row;
   *  where even that finds no place, the row of everything. */
  rowOf(provider: string, country: string, terms: { readonly tier: number; readonly pricePerGB: number }): number {
    const whole = this.#intern(provider, EVERYTHING, terms);
    return country === '' ? whole : this.#intern(`${provider}\n${country}`, whole, terms);
  }

  /** The row of the provider that the group belongs to. */
  providerOf(row: number): number {
    return this.ints[row * GROUP_WORDS + GroupWord.provider] ?? EVERYTHING;
  }

  /** Control thread: the names of all groups and their rows. That of everything has no name, a provider's exits without a country
   *  have the provider's. */
  *named(): Generator<readonly [name: string, row: number], undefined> {
    yield ['', EVERYTHING];
    yield* this.#rows;
  }

  /** Control thread: the row of the group that `named` calls so; undefined where there is none. */
  rowNamed(name: string): number | undefined {
    return name === '' ? EVERYTHING : this.#rows.get(name);
  }

  /** Something that is kept over a restart has changed, in whatever table. Costs one look where that is known already. */
  noteLearned(): void {
    if (this.ints[GroupWord.learned] !== 1) this.ints[GroupWord.learned] = 1;
  }

  /** Control thread: whether anything was noted since the last call. Who notes has written before: what a note that comes just
   *  now is about is read after this. */
  takeLearned(): boolean {
    if (this.ints[GroupWord.learned] !== 1) return false;
    this.ints[GroupWord.learned] = 0;
    return true;
  }

  #intern(name: string, provider: number, terms: { readonly tier: number; readonly pricePerGB: number }): number {
    const known = this.#rows.get(name);
    const row = known ?? this.#rows.size + 1;
    if (row >= this.capacity) return provider;
    if (known === undefined) {
      this.#rows.set(name, row);
      this.#begin(row, provider === EVERYTHING ? row : provider, terms);
    } else this.#price(row, terms);
    return row;
  }

  #begin(row: number, provider: number, terms: { readonly tier: number; readonly pricePerGB: number }): void {
    const base = row * GROUP_WORDS;
    this.ints[base + GroupWord.provider] = provider;
    this.floats[base + GroupWord.worksNow] = START.works;
    this.floats[base + GroupWord.worksLong] = START.works;
    this.floats[base + GroupWord.failMs] = START.failMs;
    this.floats[base + GroupWord.lateness] = START.lateness;
    this.floats[base + GroupWord.pageMs] = START.pageMs;
    this.floats[base + GroupWord.width] = START.width;
    this.#price(row, terms);
  }

  #price(row: number, { tier, pricePerGB }: { readonly tier: number; readonly pricePerGB: number }): void {
    this.ints[row * GROUP_WORDS + GroupWord.tier] = tier;
    this.floats[row * GROUP_WORDS + GroupWord.pricePerGB] = pricePerGB;
  }
}
