import { fileURLToPath } from 'node:url';
import type { Goal } from '../figures.ts';
import type { Row } from './row.ts';

const sizes = [
  { exits: 10_000, atMost: 2 },
  { exits: 1_000_000, atMost: 4 },
] as const;
const boundMs = 120_000;

/** What one pick costs, by test/bench/pick.ts. */
export const pickRow: Row = async ({ children }) => {
  const program = fileURLToPath(new URL('../../pick.ts', import.meta.url));
  const picks = await children.start(process.execPath, [program, ...sizes.map(({ exits }) => `${exits}`)]);
  try {
    const samples: number[] = [];
    for (const _ of sizes) samples.push(microsOf(await picks.line(boundMs)));
    return [
      {
        row: 'pick',
        title: 'One learned pick',
        unit: 'µs',
        series: sizes.map(({ exits }, i) => ({ peer: nameOf(exits), samples: [samples[i] ?? null] })),
        goals: sizes.map(({ exits, atMost }): Goal => ({ peer: nameOf(exits), atMost })),
        notes: ['the least of 600 rounds of 1,000 picks'],
      },
    ];
  } finally {
    await picks.stop();
  }
};

const nameOf = (exits: number) => `${exits.toLocaleString('en')} exits`;

function microsOf(line: string): number {
  const micros = /([\d.]+) µs per pick/.exec(line)?.[1];
  if (micros === undefined) throw new Error(`test/bench/pick.ts says no µs per pick: ${line}`);
  return Number(micros);
}
