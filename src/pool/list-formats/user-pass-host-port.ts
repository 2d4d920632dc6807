import {
  addressText,
  credentialOf,
  credentialText,
  hostAndPort,
  isBareNumber,
  type LineForm,
  readAddress,
} from './line-form.ts';

export const userPassHostPort: LineForm = {
  name: 'user-pass-host-port',
  shape: 'user:pass:host:port',
  claims: 'nothing',
  read: (entry, { scheme }) => {
    // From its end, since the password may hold colons. No pattern: it would look at a long line again and again.
    const colon = entry.lastIndexOf(':');
    const start = entry[colon - 1] === ']' ? entry.lastIndexOf('[', colon) : entry.lastIndexOf(':', colon - 1) + 1;
    if (colon < 1 || start < 2 || entry[start - 1] !== ':') return null;
    const address = entry.slice(start);
    const credential = credentialOf(entry.slice(0, start - 1));
    const fits = hostAndPort.test(address) && !isBareNumber(address) && credential.username !== '';
    // Without a second colon it is a scheme, or the beginning of an address.
    return fits && entry.indexOf(':') < start - 1 ? readAddress(scheme, address, credential) : null;
  },
  write: (exit) => {
    const credential = credentialText(exit);
    return credential === null ? addressText(exit) : `${credential}:${addressText(exit)}`;
  },
};
