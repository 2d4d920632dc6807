import type { WorldExit } from './world-exits.ts';

/** The gateway's pool file over the world's exits: one list per country and provider, as an operator would have bought them. */
export function poolsOf(exits: readonly WorldExit[], strategy: string) {
  const groups = Map.groupBy(exits, ({ country, provider }) => `${country}-${provider}`);
  const files = Object.fromEntries(
    [...groups].map(([group, members]) => [`${group}.txt`, members.map(({ url }) => url).join('\n')]),
  );
  const entries = [...groups].map(([group, [first]]) => ({
    list: `${group}.txt`,
    country: first?.country,
    isp: first?.provider,
  }));
  // A list is looked for beside the pool file, then in the project's folder.
  return { files, pools: { world: { tier: 'res', strategy, exits: entries } } };
}
