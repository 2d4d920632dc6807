const DAY_S = 86_400;

/** Tells which day it is in a time zone, as `2027-03-28`, and which share of it is over, 0…1 (of a day of 24 hours). */
export function calendarOf(
  zone: string,
  wallTime: () => number,
): () => { readonly name: string; readonly over: number } {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return () => {
    const parts = new Map(format.formatToParts(wallTime()).map(({ type, value }) => [type, value]));
    const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? '';
    const seconds = Number(part('hour')) * 3600 + Number(part('minute')) * 60 + Number(part('second'));
    return { name: `${part('year')}-${part('month')}-${part('day')}`, over: Math.min(1, seconds / DAY_S) };
  };
}
