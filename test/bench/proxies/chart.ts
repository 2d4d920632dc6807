import { type Figures, ratiosOf, spreadOf } from './figures.ts';
import { numberText } from './table.ts';

/** A group of bars: how proxies stand to the one that is named, which is 1. */
export interface BarGroup {
  readonly title: string;
  readonly over: string;
  readonly bars: readonly { readonly peer: string; readonly ratio: number }[];
}

/** What others are set beside: the first of these that a row has. */
const references = ['squid', 'dante', 'bare pipe'];
/** Rows that show at a glance what a proxy takes, and their titles. */
const shown: Readonly<Record<string, string>> = {
  connect: 'CONNECT set-up, CPU',
  socks5: 'SOCKS5 set-up, CPU',
  http: 'Forwarded request, CPU',
  bulk: 'Bytes through tunnels, CPU',
  'tls-bulk': 'Bytes through TLS, CPU',
  'idle-collected': 'Memory of an idle tunnel',
  'idle-tls-collected': 'Memory of an idle tunnel, TLS',
  'latency-connect-p50': 'Added latency of CONNECT, p50',
  'latency-http-p50': 'Added latency of a request, p50',
};
/** Bars that are longer are cut, and say so. */
const mostRatio = 3;

const width = 760;
const labelWidth = 290;
const valueWidth = 70;
const barHeight = 13;
const groupGap = 15;
const headHeight = 58;
const footHeight = 24;
const perRatio = (width - labelWidth - valueWidth) / mostRatio;

/** The groups of a chart: each row that has a reference and was measured. */
export function barGroups(rows: readonly Figures[]): BarGroup[] {
  return rows.flatMap(({ row, series }) => {
    const title = shown[row];
    const reference = references
      .map((name) => series.find(({ peer }) => peer === name))
      .find((one) => one !== undefined);
    // Where rounds of ours are missing, the others were hardly better: nothing to take in at a glance.
    if (title === undefined || reference === undefined || series[0]?.samples.includes(null)) return [];
    const bars = series.flatMap((one) => {
      const ratio = one === reference ? null : spreadOf(ratiosOf(one, reference))?.median;
      return ratio == null || one.peer === 'floor again' ? [] : [{ peer: one.peer, ratio }];
    });
    return bars.length === 0 ? [] : [{ title, over: reference.peer, bars }];
  });
}

/** A bar chart as an SVG document of its own, on light and dark pages. */
export function chartOf(groups: readonly BarGroup[], caption: string): string {
  const parts: string[] = [];
  let y = headHeight;
  for (const group of groups) {
    parts.push(...groupParts(group, y));
    y += heightOf(group) + groupGap;
  }
  const height = y + footHeight;
  const one = labelWidth + perRatio;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(caption)}">
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px } .small { font-size: 11px; fill: #59636e }
  .page { fill: #ffffff } .bar { fill: #b6bec8 } .own { fill: #0969da } .one { stroke: #59636e; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 }
    .page { fill: #0d1117 } .bar { fill: #4a525d } .own { fill: #4493f8 } .one { stroke: #9198a1 }
  }
</style>
<rect class="page" width="${width}" height="${height}" rx="6"/>
<text class="title" x="16" y="26">The gateway beside other proxies: less is better</text>
<text class="small" x="16" y="44">What is taken, as a multiple of what the proxy in parentheses takes (dashed line); median of the rounds.</text>
${parts.join('\n')}
<line class="one" x1="${one}" x2="${one}" y1="${headHeight - 6}" y2="${y - groupGap + 6}"/>
<text class="small" x="16" y="${height - 12}">${escaped(caption)}</text>
</svg>
`;
}

/** Two lines of text beside it need room, too. */
const heightOf = ({ bars }: BarGroup) => Math.max(2, bars.length) * (barHeight + 2);

function groupParts({ title, over, bars }: BarGroup, top: number): string[] {
  const label = `<text x="16" y="${top + 11}">${escaped(title)}</text>`;
  const named = `<text class="small" x="16" y="${top + 25}">(${escaped(over)} = 1)</text>`;
  const drawn = bars.flatMap(({ peer, ratio }, i) => {
    const y = top + i * (barHeight + 2);
    const length = (Math.min(mostRatio, Math.max(0, ratio)) * perRatio).toFixed(1);
    const text = `${numberText(ratio)}${ratio > mostRatio ? ' →' : ''}`;
    return [
      `<text class="small" x="${labelWidth - 6}" y="${y + 10}" text-anchor="end">${escaped(peer)}</text>`,
      `<rect class="${peer === 'gateway' ? 'own' : 'bar'}" x="${labelWidth}" y="${y}" width="${length}" height="${barHeight}" rx="2"/>`,
      `<text class="small" x="${labelWidth + Number(length) + 5}" y="${y + 10}">${text}</text>`,
    ];
  });
  return [label, named, ...drawn];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
