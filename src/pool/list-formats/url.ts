import { parseExitUrl } from '../../protocol/endpoint.ts';
import { addressText, type LineForm } from './line-form.ts';
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
  write: (exit) => {
    const { scheme, username, password = '' } = exit.endpoint;
    const encoded = (text: string) => encodeURIComponent(text.toWellFormed());
    const userinfo = username === undefined ? '' : `${encoded(username)}:${encoded(password)}@`;
    return `${scheme}://${userinfo}${addressText(exit)}`;
  },
};
