import { startDemo } from '../../src/demo/demo.ts';
import { testCertificate } from '../support/certificate.ts';

// A process that holds a demo and says where its exits are, to be killed by a test.
const demo = await startDemo({ http: 1, https: 0, socks5: 1, seed: 1, certificate: await testCertificate() });
process.send?.(demo.exits.map(({ url }) => Number(new URL(url).port)));
