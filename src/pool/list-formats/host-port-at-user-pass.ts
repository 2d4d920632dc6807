import { addressText, credentialOf, credentialText, type LineForm, readAddress } from './line-form.ts';

const pattern = /^((?:\[[^\]]*\]|[^:@[\]]+):[0-9]+)@(.+)$/s;

export const hostPortAtUserPass: LineForm = {
  name: 'host-port-at-user-pass',
  shape: 'host:port@user:pass',
  claims: 'nothing',
  read: (entry, { scheme }) => {
    const [, address, credential] = pattern.exec(entry) ?? [];
    if (address === undefined || credential === undefined) return null;
    return readAddress(scheme, address, credentialOf(credential));
  },
  write: (exit) => {
    const credential = credentialText(exit);
    return credential === null ? addressText(exit) : `${addressText(exit)}@${credential}`;
  },
};
