import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen, type Peer } from './peers.ts';

/** An answer of a list server: a text is a 200 with it. */
export type ListAnswer = string | ((request: IncomingMessage, response: ServerResponse) => unknown);

/** A vendor's server, which answers whatever path as it is told. */
export interface ListServer extends Peer {
  readonly url: string;
  answer: ListAnswer;
  readonly requests: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[];
}

export async function startListServer(answer: ListAnswer): Promise<ListServer> {
  const requests: ListServer['requests'] = [];
  const served = { answer };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, url, headers });
    if (typeof served.answer === 'string') response.end(served.answer);
    else served.answer(request, response);
  });
  const peer = await listen(server);
  return Object.assign(served, { ...peer, url: `http://127.0.0.1:${peer.port}`, requests });
}

/** A list with an ETag, sent only to who doesn't have it. */
export function tagged(text: string, etag: string): ListAnswer {
  return (request, response) => {
    response.setHeader('ETag', etag);
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.end(text);
  };
}
