/** Whether there is such a day (`2026-11-01`) or month (`2026-11`). Date.parse() alone takes February 30th for March 2nd. */
export function isCalendarDate(text: string): boolean {
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}
