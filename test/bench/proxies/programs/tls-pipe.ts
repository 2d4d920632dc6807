/** The least that Node can do with octets that come by TLS: a server that pipes each connection to the origin, and nothing more.
 *
 *    tls-pipe.ts ORIGIN_PORT      with {"cert":…,"key":…}, one line, on standard input
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { createServer } from 'node:tls';

const input = createInterface({ input: process.stdin });
const [line]: string[] = await once(input, 'line');
input.on('close', () => process.exit());
const server = createServer(JSON.parse(line ?? ''), (client) => {
  const origin = connect(Number(process.argv[2]), '127.0.0.1').setNoDelay();
  client.setNoDelay();
  client.pipe(origin).pipe(client);
  client.on('error', () => origin.destroy());
  origin.on('error', () => client.destroy());
});
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(JSON.stringify({ port: address?.port }));
});
