import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createPlainServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../../support/peers.ts';
import { exitOfAddress, pageMark, siteOfName } from './names.ts';
import type { Verdict } from './site-truth.ts';
import type { World } from './world.ts';

/** What every crawler knows a challenge page by. */
export const challengeMark = 'id="challenge-form"';

/** The ports of the world's only origin, which is every site, and of what answers garbage. */
export interface OriginPorts {
  readonly http: number;
  readonly https: number;
  readonly garbage: number;
}

/** Lets all sites of `world` answer on loopback: by Host, and by the address that a request comes from. `now` is ms since the world
 *  began. */
export async function startOrigin(
  world: World,
  { certificate, now }: { certificate: { cert: string; key: string }; now: () => number },
): Promise<OriginPorts> {
  const answer: RequestListener = async (request, response) => {
    const site = siteOfName(request.headers.host ?? '');
    const verdict = world.judge(site, exitOfAddress(request.socket.remoteAddress ?? ''), now());
    await sleep(world.sites[site]?.serviceMs ?? 0);
    if (verdict === undefined) response.writeHead(404).end();
    else send(response, { site, verdict, url: request.url ?? '/' });
  };
  const garbage = createPlainServer((socket) => socket.end('\x16\x03\x00\x00\x02 no page \r\n'));
  const peers = await Promise.all([
    listen(createServer(answer)),
    listen(createTlsServer(certificate, answer)),
    listen(garbage),
  ]);
  const [http, https, nonsense] = peers.map(({ port }) => port);
  return { http: http ?? 0, https: https ?? 0, garbage: nonsense ?? 0 };
}

/** Every site has one form of refusal, and pages of a size of its own that vary a little. */
function send(response: ServerResponse, { site, verdict, url }: { site: number; verdict: Verdict; url: string }): void {
  const text = {
    page: () => page(site, url),
    refused: () => refusal,
    challenged: () => challenge,
    disguised: () => empty,
  };
  const refusedBy = site % 2 === 0 ? 429 : 403;
  const content = text[verdict]();
  response.writeHead(verdict === 'refused' ? refusedBy : 200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(content),
  });
  response.end(content);
}

function page(site: number, url: string): string {
  const lines = 60 + ((site * 37) % 120) + (url.length % 12);
  return `<!doctype html><title>Shop ${site}</title>${pageMark(site)}\n${'<p>One of the goods in this shop.</p>\n'.repeat(lines)}`;
}

const refusal = '<!doctype html><title>Access denied</title><p>You are sending too many requests.</p>\n';

const challenge =
  '<!doctype html><title>Just a moment...</title><script src="https://challenges.cloudflare.com/turnstile/v0/api.js">' +
  `</script><form class="cf-challenge" ${challengeMark}><div class="g-recaptcha"></div></form>\n`;

const empty = '<!doctype html><title>Shop</title><p>Nothing was found.</p>\n';
