import { parseExitUrl } from '../../protocol/endpoint.ts';
import type { LineForm } from './line-form.ts';
import { faulty, placeless } from './listed-exit.ts';

/** The one form with percent-encoded credentials. */
export const url: LineForm = {
  name: 'url',
  shape: 'scheme://user:pass@host:port',
  claims: 'shape',
  read: (entry) => {
    if (!entry.includes('://') || !/^[a-z0-9+.-]+:\/\//i.test(entry)) return null;
    const endpoint = parseExitUrl(entry);
    if (!endpoint.ok) return faulty(endpoint.fault.detail);
    return endpoint.value.scheme === 'direct'
      ? faulty('a way out without a proxy stands in the pool file')
      : placeless(endpoint.value);
  },
};
