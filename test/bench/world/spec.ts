/** What a world is made of. Durations in ms unless named otherwise; shares from 0 to 1. */
export interface WorldSpec {
  readonly exits: number;
  /** `slowness` multiplies latency. */
  readonly countries: readonly { readonly code: string; readonly weight: number; readonly slowness: number }[];
  /** `failures` multiplies the failure share of a provider's good exits. */
  readonly providers: readonly Provider[];
  readonly exit: ExitSpec;
  /** How long an exit lives, and how long it is then away; it comes back as itself. */
  readonly lives: { readonly medianMs: number; readonly sigma: number; readonly awayMs: number };
  /** While the share of the run is between `from` and `to`, a provider's exits are slower and fail more. */
  readonly brownOuts: readonly BrownOut[];
  readonly sites: { readonly count: number; readonly zipf: number; readonly classes: readonly SiteClass[] };
  readonly traffic: TrafficSpec;
}

export interface Provider {
  readonly name: string;
  readonly weight: number;
  readonly slowness: number;
  readonly failures: number;
}

export interface BrownOut {
  readonly provider: string;
  readonly from: number;
  readonly to: number;
  readonly slowness: number;
  readonly failShare: number;
}

/** How exits are drawn: log-normal medians; per exchange log-normal noise, now and then a Pareto tail; good, flaky and nearly
 *  useless exits; of what fails, the shares that are refused and that meet silence (the rest is garbage); how many exchanges at
 *  once an exit has room for before it slows down: beyond four times as many it refuses. */
export interface ExitSpec {
  readonly medianMs: number;
  readonly sigma: number;
  readonly noise: number;
  readonly tailShare: number;
  readonly failShare: number;
  readonly flakyShare: number;
  readonly zombieShare: number;
  readonly refusing: number;
  readonly silent: number;
  readonly roomLeast: number;
  readonly roomMost: number;
}

/** How a site guards itself: a token bucket per address (`Infinity`: none), a cool-down that doubles with each strike, addresses
 *  that it refuses from the start, challenges at random. */
export interface SiteClass {
  readonly share: number;
  readonly serviceMs: number;
  readonly bucket: number;
  readonly refillPerMinute: number;
  readonly coolMs: number;
  readonly burntShare: number;
  readonly challengeShare: number;
  /** Knocking during a ban prolongs it. */
  readonly prolongs: boolean;
}

export interface TrafficSpec {
  readonly perSecond: number;
  /** What is asked for; `null`: anywhere. */
  readonly countries: readonly { readonly code: string | null; readonly weight: number }[];
  readonly tunnelShare: number;
  readonly sessionShare: number;
  readonly sessions: number;
  /** Mean pages of one session. */
  readonly sessionPages: number;
}

/** A refusal comes as status 200 so often, and then so often looks like nothing known. Source: nodemaven/proxy-benchmark
 *  RESULTS, 2026 (a quarter of Google's refusals); the second is an assumption. */
export const disguisedShare = 0.25;
export const unrecognisableShare = 0.1;

/** Silence that no attempt waits for. */
export const silenceMs = 12_000;

// Per-address limits as published: 60 + 1/s token buckets, AWS WAF's 100 per 5 min, penalties from 1 min up; a hard shop's 12 %
// and a search engine's 40 % and more of residential addresses refused at first sight.
const soft: SiteClass = {
  share: 1,
  serviceMs: 150,
  bucket: Infinity,
  refillPerMinute: 0,
  coolMs: 0,
  burntShare: 0,
  challengeShare: 0.002,
  prolongs: false,
};
const rated = { ...soft, serviceMs: 200, bucket: 60, refillPerMinute: 60, coolMs: 60_000, burntShare: 0.02 };
const guarded = { ...rated, serviceMs: 220, bucket: 30, refillPerMinute: 20, coolMs: 300_000, burntShare: 0.1 };
const hard = { ...guarded, serviceMs: 300, bucket: 10, refillPerMinute: 6, coolMs: 900_000, burntShare: 0.4 };

// Residential exits as measured: a CONNECT takes 458 ms at the median, 93 % of 100,000 requests succeed.
const residential: ExitSpec = {
  medianMs: 600,
  sigma: 0.5,
  noise: 0.35,
  tailShare: 0.03,
  failShare: 0.02,
  flakyShare: 0.12,
  zombieShare: 0.02,
  refusing: 0.45,
  silent: 0.4,
  roomLeast: 3,
  roomMost: 12,
};

const steady: WorldSpec = {
  exits: 600,
  countries: [
    { code: 'us', weight: 30, slowness: 1 },
    { code: 'de', weight: 14, slowness: 0.9 },
    { code: 'gb', weight: 10, slowness: 0.9 },
    { code: 'br', weight: 16, slowness: 1.5 },
    { code: 'in', weight: 18, slowness: 1.6 },
    { code: 'id', weight: 12, slowness: 1.8 },
  ],
  providers: [
    { name: 'alder', weight: 50, slowness: 1, failures: 1 },
    { name: 'birch', weight: 30, slowness: 1.15, failures: 1 },
    { name: 'cedar', weight: 20, slowness: 0.9, failures: 1.6 },
  ],
  exit: residential,
  lives: { medianMs: 30 * 60_000, sigma: 1.4, awayMs: 30_000 },
  brownOuts: [],
  sites: {
    count: 200,
    zipf: 0.9,
    classes: [
      { ...soft, share: 0.7 },
      { ...rated, share: 0.2, challengeShare: 0.005 },
      { ...guarded, share: 0.08, challengeShare: 0.01 },
      { ...hard, share: 0.02, challengeShare: 0.01, prolongs: true },
    ],
  },
  traffic: {
    perSecond: 120,
    countries: [
      { code: null, weight: 60 },
      { code: 'us', weight: 25 },
      { code: 'de', weight: 10 },
      { code: 'in', weight: 5 },
    ],
    tunnelShare: 0.4,
    sessionShare: 0.2,
    sessions: 150,
    sessionPages: 12,
  },
};

const bansMix: readonly SiteClass[] = [
  { ...rated, share: 0.25, challengeShare: 0.005 },
  { ...guarded, share: 0.4, challengeShare: 0.01 },
  { ...hard, share: 0.35, challengeShare: 0.01, prolongs: true },
];

/** The worlds that can be played. `everything` is the one to judge by. */
export const worlds = {
  steady,
  brownout: {
    ...steady,
    brownOuts: [{ provider: 'alder', from: 0.4, to: 0.7, slowness: 4, failShare: 0.45 }],
  },
  bans: {
    ...steady,
    sites: { count: 40, zipf: 1, classes: bansMix },
    traffic: { ...steady.traffic, perSecond: 60 },
  },
  everything: {
    ...steady,
    exit: { ...residential, flakyShare: 0.15, zombieShare: 0.05 },
    lives: { medianMs: 15 * 60_000, sigma: 1.5, awayMs: 30_000 },
    brownOuts: [{ provider: 'birch', from: 0.5, to: 0.75, slowness: 3, failShare: 0.35 }],
    sites: {
      count: 200,
      zipf: 1,
      classes: [
        { ...soft, share: 0.4 },
        { ...rated, share: 0.25, challengeShare: 0.005 },
        { ...guarded, share: 0.2, challengeShare: 0.01 },
        { ...hard, share: 0.15, challengeShare: 0.01, prolongs: true },
      ],
    },
    traffic: { ...steady.traffic, sessionShare: 0.3 },
  },
} satisfies Readonly<Record<string, WorldSpec>>;

export type WorldName = keyof typeof worlds;
