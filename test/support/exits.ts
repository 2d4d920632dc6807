// The exits that tests dial, from one place: good ones of our own, good ones of libraries. Bad ones: fault-exits.ts.
export { type Exit, type ExitCredential, type SeenByExit, startHttpExit, startHttpsExit } from './http-exits.ts';
export { type LibraryExit, socksv5Exchange, startProxyChainExit, startSocksv5Exit } from './library-exits.ts';
export { startSocks4Exit, startSocks5Exit } from './socks-exits.ts';
