/** Whether `host` is `domain` or lies below it, by whole labels. Both canonical. */
export function isWithin(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(domain) && host.at(-domain.length - 1) === '.');
}
