import { readFileSync } from 'node:fs';
import { type Figures, judge } from './figures.ts';
import { bulkRow, costRow } from './rows/costs.ts';
import type { Row } from './rows/row.ts';
import type { Scene } from './scene.ts';
import { numberText } from './table.ts';

/** How much CPU an exchange of ours may take, as a multiple of what it takes another proxy in the same run. The margin is wide: it
 *  is for what was broken, not for what the machine did. */
export interface Margin {
  readonly row: 'connect' | 'socks5' | 'http' | 'bulk';
  readonly over: string;
  readonly atMost: number;
}

/** What a check came to. */
export interface Verdict {
  readonly lines: readonly string[];
  /** Nothing is worse, and something was compared. */
  readonly passed: boolean;
}

/** The margins as they are kept. */
export function readMargins(): Margin[] {
  return JSON.parse(readFileSync(new URL('margins.json', import.meta.url), 'utf8'));
}

/** Measures what the margins are about, and no more. */
export async function measureFor(scene: Scene, margins: readonly Margin[]): Promise<Figures[]> {
  const all: Figures[] = [];
  for (const name of new Set(margins.map(({ row }) => row))) {
    const wanted = new Set(['gateway', ...margins.filter(({ row }) => row === name).map(({ over }) => over)]);
    const among = ({ name: peer }: { readonly name: string }) => wanted.has(peer);
    const row: Row = name === 'bulk' ? bulkRow(among) : costRow(name, among);
    all.push(...(await row(scene)));
  }
  return all;
}

/** Holds figures against margins. */
export function compare(figures: readonly Figures[], margins: readonly Margin[]): Verdict {
  const judged = margins.map(({ row, over, atMost }) => {
    const series = figures.find((one) => one.row === row)?.series ?? [];
    const verdict = judge({ peer: 'gateway', over, atMost }, series);
    const what = `${row}: CPU of gateway ÷ ${over}, at most ${atMost}`;
    if (verdict === null) return { met: null, line: `${what}: not compared, ${over} was not measured` };
    const { least, median, greatest } = verdict.figure;
    const spread = `${numberText(median)} (${numberText(least)} to ${numberText(greatest)})`;
    return { met: verdict.met, line: `${what}: ${spread}${verdict.met ? '' : ', WORSE'}` };
  });
  const compared = judged.filter(({ met }) => met !== null);
  return {
    lines: judged.map(({ line }) => line),
    passed: compared.length > 0 && compared.every(({ met }) => met === true),
  };
}
