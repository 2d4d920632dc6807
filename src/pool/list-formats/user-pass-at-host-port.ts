import { addressText, credentialOf, credentialText, hostAndPort, type LineForm, readAddress } from './line-form.ts';

export const userPassAtHostPort: LineForm = {
  name: 'user-pass-at-host-port',
  shape: 'user:pass@host:port',
  claims: 'nothing',
  read: (entry, { scheme }) => {
    // The last @, because a password may hold one, and a host never does.
    const at = entry.lastIndexOf('@');
    const address = entry.slice(at + 1);
    if (at < 0 || !hostAndPort.test(address)) return null;
    return readAddress(scheme, address, at === 0 ? null : credentialOf(entry.slice(0, at)));
  },
  write: (exit) => {
    const credential = credentialText(exit);
    return credential === null ? addressText(exit) : `${credential}@${addressText(exit)}`;
  },
};
