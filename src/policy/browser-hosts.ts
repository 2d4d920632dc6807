/** What browsers call through their proxy at every start and every few hours, whatever the page: updates, accounts, lists, push,
 *  telemetry. A crawl has no use for it, and residential octets cost money. Pages don't need these hosts to render. */
const browserHosts: ReadonlySet<string> = new Set([
  // Chromium: component and extension updates
  'update.googleapis.com',
  'clients2.google.com',
  'clients2.googleusercontent.com',
  'redirector.gvt1.com',
  'edgedl.me.gvt1.com',
  'chromewebstore.googleapis.com',
  // Chromium: field trials, models, safe browsing, leaked passwords, form filling
  'clientservices.googleapis.com',
  'optimizationguide-pa.googleapis.com',
  'safebrowsing.googleapis.com',
  'safebrowsingohttpgateway.googleapis.com',
  'passwordsleakcheck-pa.googleapis.com',
  'content-autofill.googleapis.com',
  // Chromium: the signed-in account and push messages
  'accounts.google.com',
  'android.clients.google.com',
  'mtalk.google.com',
  // Firefox: portal check, settings, push, updates, telemetry
  'detectportal.firefox.com',
  'firefox.settings.services.mozilla.com',
  'content-signature-2.cdn.mozilla.net',
  'push.services.mozilla.com',
  'aus5.mozilla.org',
  'incoming.telemetry.mozilla.org',
  // Edge: settings and updates
  'edge.microsoft.com',
  'config.edge.skype.com',
  'msedge.api.cdp.microsoft.com',
]);

/** Whether `host` (canonical) is one that browsers call on their own account. */
export function isBrowserHost(host: string): boolean {
  return browserHosts.has(host);
}
