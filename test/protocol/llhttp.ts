import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { Duplex } from 'node:stream';

/** One request as llhttp understands it. */
export interface LlhttpRequest {
  readonly method: string;
  readonly url: string;
  readonly minorVersion: number;
  readonly fields: [string, string][];
  content: string;
  trailers: [string, string][];
  complete: boolean;
}

export interface LlhttpAnswer {
  readonly requests: LlhttpRequest[];
  /** llhttp's error code, or empty. */
  error: string;
}

/** Node's server, strict, fed from memory: no socket is opened. */
export class Llhttp {
  readonly #server: Server;
  #answer: LlhttpAnswer = { requests: [], error: '' };

  constructor() {
    const options = { insecureHTTPParser: false, maxHeaderSize: 1 << 20, requireHostHeader: false };
    const server = createServer(options, (message) => this.#take(message));
    server.on('checkContinue', (message: IncomingMessage) => this.#take(message));
    server.on('connect', (message: IncomingMessage) => (this.#take(message).complete = true));
    server.on('clientError', (error: Error & { code?: string }) => {
      this.#answer.error ||= error.code ?? error.message;
    });
    this.#server = server;
  }

  /** What llhttp makes of `octets` on a fresh connection. */
  async read(octets: Buffer): Promise<LlhttpAnswer> {
    const answer: LlhttpAnswer = { requests: [], error: '' };
    this.#answer = answer;
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    this.#server.emit('connection', socket);
    socket.push(octets);
    // Messages and their ends are told in later turns.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    return answer;
  }

  #take(message: IncomingMessage): LlhttpRequest {
    const { method = '', url = '', httpVersionMinor: minorVersion } = message;
    const request: LlhttpRequest = {
      method,
      url,
      minorVersion,
      fields: asPairs(message.rawHeaders),
      content: '',
      trailers: [],
      complete: false,
    };
    message.setEncoding('latin1');
    message.on('data', (text: string) => {
      request.content += text;
    });
    message.on('end', () => {
      request.trailers = asPairs(message.rawTrailers);
      request.complete = true;
    });
    message.on('error', () => {});
    this.#answer.requests.push(request);
    return request;
  }
}

export interface LlhttpResponse {
  readonly status: number;
  readonly reason: string;
  readonly fields: [string, string][];
  readonly content: string;
  readonly trailers: [string, string][];
}

/** What Node's client, strict, makes of `octets` as the whole answer to a request of `method`; or llhttp's error code. */
export function readResponse(method: string, octets: Buffer): Promise<LlhttpResponse | string> {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  return new Promise((resolve) => {
    const failed = (error: Error & { code?: string }) => resolve(error.code ?? error.message);
    const options = {
      method,
      host: 'a',
      createConnection: () => socket,
      insecureHTTPParser: false,
      maxHeaderSize: 1 << 20,
    };
    const exchange = request(options, (message) => {
      const { statusCode: status = 0, statusMessage: reason = '' } = message;
      let content = '';
      message.setEncoding('latin1');
      message.on('data', (text: string) => {
        content += text;
      });
      message.on('error', failed);
      message.on('end', () => {
        resolve({
          status,
          reason,
          fields: asPairs(message.rawHeaders),
          content,
          trailers: asPairs(message.rawTrailers),
        });
        socket.destroy();
      });
    });
    exchange.on('error', failed);
    exchange.end();
    socket.push(octets);
    socket.push(null);
  });
}

function asPairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? '', raw[2 * i + 1] ?? '']);
}
