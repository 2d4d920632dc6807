import { addressText, credentialOf, credentialText, isBareNumber, type LineForm, readAddress } from './line-form.ts';

/** The user name has no colon; the password may have some, or be empty. */
const pattern = /^((?:\[[^\]]*\]|[^:[\]]+):[0-9]+):([^:]*:.*)$/s;

export const hostPortUserPass: LineForm = {
  name: 'host-port-user-pass',
  shape: 'host:port:user:pass',
  claims: 'nothing',
  read: (entry, { scheme }) => {
    const [, address, credential] = pattern.exec(entry) ?? [];
    if (address === undefined || credential === undefined || isBareNumber(address)) return null;
    return readAddress(scheme, address, credentialOf(credential));
  },
  write: (exit) => {
    const credential = credentialText(exit);
    return credential === null ? addressText(exit) : `${addressText(exit)}:${credential}`;
  },
};
