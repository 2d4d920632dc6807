import type { Geo, Place } from '../../src/protocol/places.ts';

/** What a vendor publishes about one product, written down apart from the file that mints for it. Login is `user name\npassword`
 *  of the account acme with the password secret; its groups are what the vendor understands. */
export interface Grammar {
  readonly vendor: string;
  readonly product: 'residential' | 'mobile' | 'isp' | 'dc';
  readonly endpoints: Readonly<Record<string, string>>;
  readonly login: RegExp;
  /** The places that it understands. */
  readonly places: readonly Place[];
  /** Whether it can be asked for these places, all of which it understands. */
  readonly may?: (asked: Geo) => boolean;
  /** The vendor's words for ours, where they aren't the same. */
  readonly words: Readonly<Record<string, string>>;
  /** Seconds that it keeps an address: from, to, and one unit of its parameter; null where it takes none. */
  readonly ttl: { readonly least: number; readonly most: number; readonly unit: number } | null;
}

const inUs = (asked: Geo): boolean => asked.country === undefined || asked.country === 'us';
const needsCountry =
  (...places: readonly Place[]) =>
  (asked: Geo): boolean =>
    asked.country !== undefined || places.every((place) => asked[place] === undefined);

/** developers.oxylabs.io: making requests, location settings (country, state, city, ASN), session control. */
const oxylabs = {
  vendor: 'oxylabs',
  endpoints: { http: 'pr.oxylabs.io:7777', https: 'pr.oxylabs.io:7777', socks5: 'pr.oxylabs.io:7777' },
  login:
    /^customer-acme(?:-ASN-(?<asn>[0-9]{1,10}))?(?:-cc-(?<country>[A-Z]{2}))?(?:-st-(?<state>us_[a-z_]+))?(?:-city-(?<city>[a-z_]+))?(?:-postalcode-(?<zip>[0-9]{5}))?-sessid-(?<session>[0-9A-Za-z]+)(?:-sesstime-(?<ttl>[0-9]+))?\nsecret$/,
  places: ['country', 'state', 'city', 'zip', 'asn'],
  may: (asked) =>
    needsCountry('city', 'zip')(asked) &&
    (asked.state === undefined || inUs(asked)) &&
    (asked.asn === undefined || Object.keys(asked).length === 1),
  words: { us: 'US', gb: 'GB', 'New York': 'us_new_york', san_francisco: 'san_francisco' },
} as const satisfies Partial<Grammar>;

/** docs.brightdata.com: config options; geolocation targeting. */
const brightdata = {
  vendor: 'brightdata',
  endpoints: { http: 'brd.superproxy.io:33335', socks5: 'brd.superproxy.io:22228' },
  login:
    /^acme(?:-country-(?<country>[a-z]{2}))?(?:-state-(?<state>[a-z]{2}))?(?:-city-(?<city>[a-z]+))?(?:-zip-(?<zip>[0-9]{5}))?(?:-asn-(?<asn>[0-9]+))?-session-(?<session>[0-9a-z]+)\nsecret$/,
  places: ['country', 'state', 'city', 'zip', 'asn'],
  // Its states are two letters: "New York" is none.
  may: (asked) => asked.state === undefined && needsCountry('city')(asked) && (asked.zip === undefined || inUs(asked)),
  words: { san_francisco: 'sanfrancisco' },
  ttl: null,
} as const satisfies Partial<Grammar>;

/** docs.dataimpulse.com: parameters, protocols. */
const dataimpulse = {
  vendor: 'dataimpulse',
  endpoints: { http: 'gw.dataimpulse.com:823', socks5: 'gw.dataimpulse.com:824' },
  login:
    /^acme__(?:cr\.(?<country>[a-z]{2});)?(?:state\.(?<state>[a-z]+);)?(?:city\.(?<city>[a-z]+);)?(?:zip\.(?<zip>[0-9]{5});)?(?:asn\.(?<asn>[0-9]+);)?sessid\.(?<session>[0-9a-z]+)\nsecret$/,
  places: ['country', 'state', 'city', 'zip', 'asn'],
  may: (asked) => needsCountry('state', 'city', 'zip', 'asn')(asked) && (asked.state === undefined || inUs(asked)),
  words: { 'New York': 'newyork', san_francisco: 'sanfrancisco' },
  ttl: null,
} as const satisfies Partial<Grammar>;

/** help.netnut.io: cURL request parameters; uk rather than gb; SID from 10000 to 999999999. */
const netnut = (product: Grammar['product'], word: string, cities: boolean): Grammar => ({
  vendor: 'netnut',
  product,
  endpoints: { http: 'gw.netnut.net:5959' },
  login: new RegExp(
    `^acme-${word}(?:_sc-(?=[a-z]{2}_)|-)(?:(?<country>(?!any)[a-z]{2})(?:(?:_(?<state>[a-z]+))?_(?<city>[a-z]+))?|any)-sid-(?<session>[1-9][0-9]{4,8})\\nsecret$`,
  ),
  places: cities ? ['country', 'state', 'city'] : ['country'],
  may: (asked) =>
    needsCountry('city', 'state')(asked) && (asked.state === undefined || (asked.city !== undefined && inUs(asked))),
  words: { gb: 'uk', 'New York': 'newyork', san_francisco: 'sanfrancisco' },
  ttl: null,
});

/** docs.evomi.com: geo targetting, proxy sessions (6 to 10 characters, minutes up to 120), expert settings, how to connect. */
const evomi = {
  vendor: 'evomi',
  words: {
    us: 'US',
    gb: 'GB',
    'New York': 'new.york',
    Bavaria: 'bavaria',
    san_francisco: 'san.francisco',
    Comcast: 'comcast',
  },
  may: (asked) => asked.region === undefined || asked.state === undefined,
  ttl: { least: 60, most: 7200, unit: 60 },
} as const satisfies Partial<Grammar>;

/** docs.geonode.com: sticky session, geo targeting. */
const geonode = {
  vendor: 'geonode',
  endpoints: { http: 'proxy.geonode.io:10000', socks5: 'proxy.geonode.io:12000' },
  places: ['country', 'state', 'city', 'zip', 'asn'],
  may: (asked) =>
    needsCountry('state', 'city', 'zip')(asked) &&
    !(asked.state !== undefined && asked.city !== undefined) &&
    (asked.zip === undefined || (asked.state ?? asked.city ?? asked.asn) === undefined),
  words: { us: 'US', gb: 'GB', 'New York': 'newyork', san_francisco: 'sanfrancisco' },
  ttl: { least: 180, most: 86_400, unit: 60 },
} as const satisfies Partial<Grammar>;

const geonodeLogin = (type: string): RegExp =>
  new RegExp(
    `^acme-type-${type}(?:-country-(?<country>[A-Z]{2}))?(?:-state-(?<state>[a-z]+))?(?:-city-(?<city>[a-z]+))?(?:-zip-(?<zip>[A-Za-z0-9]+))?(?:-asn-(?<asn>[0-9]+))?-session-(?<session>[A-Za-z0-9_]{1,25})(?:-lifetime-(?<ttl>[0-9]+))?\\nsecret$`,
  );

/** helpcenter.soax.com: sticky sessions, session parameters, session control for ISP proxies. */
const soax = {
  vendor: 'soax',
  endpoints: { http: 'proxy.soax.com:5000', socks5: 'proxy.soax.com:5000' },
  login:
    /^package-acme(?:-country-(?<country>[a-z]{2}))?(?:-region-(?<area>[a-z+]+))?(?:-city-(?<city>[a-z+]+))?(?:-isp-(?<isp>[a-z+]+))?-sessionid-(?<session>[0-9a-z]+)(?:-sessionlength-(?<ttl>[0-9]+))?\nsecret$/,
  places: ['country', 'region', 'state', 'city', 'isp'],
  may: (asked) =>
    needsCountry('region', 'state', 'city', 'isp')(asked) && (asked.region === undefined || asked.state === undefined),
  words: { 'New York': 'new+york', Bavaria: 'bavaria', san_francisco: 'san+francisco', Comcast: 'comcast' },
} as const satisfies Partial<Grammar>;

/** docs.apify.com: username parameters; session is 1 to 50 of letters, digits, . _ ~. */
const apify = {
  vendor: 'apify',
  endpoints: { http: 'proxy.apify.com:8000' },
  ttl: null,
} as const satisfies Partial<Grammar>;

/** apidocs.webshare.io: proxy connection. */
const webshare = {
  vendor: 'webshare',
  endpoints: { http: 'p.webshare.io:80', socks5: 'p.webshare.io:1080' },
  words: {},
  ttl: null,
} as const satisfies Partial<Grammar>;

export const grammars: readonly Grammar[] = [
  { ...oxylabs, product: 'residential', ttl: { least: 60, most: 86_400, unit: 60 } },
  { ...oxylabs, product: 'mobile', ttl: { least: 60, most: 1800, unit: 60 } },
  ...(['residential', 'mobile', 'isp', 'dc'] as const).map((product) => ({ ...brightdata, product })),
  // help.decodo.com: custom sticky sessions, quick start.
  ...(['residential', 'mobile'] as const).map((product) => ({
    vendor: 'decodo',
    product,
    endpoints: { http: 'gate.decodo.com:7000', socks5: 'gate.decodo.com:7000' },
    login:
      /^user-acme(?:-country-(?<country>[a-z]{2}))?(?:-state-(?<state>us_[a-z_]+))?(?:-city-(?<city>[a-z_]+))?(?:-zip-(?<zip>[0-9]{5}))?(?:-asn-(?<asn>[0-9]+))?-session-(?<session>[0-9a-z]+)(?:-sessionduration-(?<ttl>[0-9]+))?\nsecret$/,
    places: ['country', 'state', 'city', 'zip', 'asn'] as const,
    may: (asked: Geo) =>
      needsCountry('state', 'city', 'zip')(asked) && ((asked.state ?? asked.zip) === undefined || inUs(asked)),
    words: { 'New York': 'us_new_york' },
    ttl: { least: 60, most: 86_400, unit: 60 },
  })),
  // docs.iproyal.com: residential proxy, location and rotation; 8 characters; 1 second to 7 days in one unit.
  {
    vendor: 'iproyal',
    product: 'residential',
    endpoints: { http: 'geo.iproyal.com:12321', socks5: 'geo.iproyal.com:32325' },
    login:
      /^acme\nsecret(?:_region-(?<region>[a-z]+))?(?:_country-(?<country>[a-z]{2}))?(?:_state-(?<state>[a-z]+))?(?:_city-(?<city>[a-z]+))?(?:_isp-(?<isp>[a-z]+))?_session-(?<session>[0-9a-zA-Z]{8})(?:_lifetime-(?<ttl>[0-9]+)s)?$/,
    places: ['country', 'region', 'state', 'city', 'isp'],
    may: (asked) =>
      needsCountry('state', 'city', 'isp')(asked) &&
      (asked.state === undefined || inUs(asked)) &&
      (asked.region === undefined || Object.keys(asked).length === 1),
    words: { 'New York': 'newyork', Bavaria: 'bavaria', san_francisco: 'sanfrancisco', Comcast: 'comcast' },
    ttl: { least: 1, most: 604_800, unit: 1 },
  },
  {
    ...apify,
    product: 'residential',
    login:
      /^groups-RESIDENTIAL,session-(?<session>[\w.~]{1,50})(?:,country-(?<country>[A-Z]{2})(?:_(?<state>[A-Z0-9]{1,3}))?)?\nsecret$/,
    places: ['country', 'state'],
    // Its states are codes: "New York" is none.
    may: (asked) => asked.state === undefined,
    words: { us: 'US', gb: 'GB' },
  },
  {
    ...apify,
    product: 'dc',
    login: /^groups-acme,session-(?<session>[\w.~]{1,50})(?:,country-(?<country>[A-Z]{2}))?\nsecret$/,
    places: ['country'],
    words: { us: 'US', gb: 'GB' },
  },
  ...(['residential', 'mobile', 'dc'] as const).map((product) => ({ ...dataimpulse, product })),
  {
    ...webshare,
    product: 'residential',
    login: /^acme(?:-(?<country>[a-z]{2}))?(?:-city_(?<city>[a-z_]+))?-(?<session>[1-9][0-9]*)\nsecret$/,
    places: ['country', 'city'],
    may: needsCountry('city'),
  },
  {
    ...webshare,
    product: 'dc',
    login: /^acme(?:-(?<country>[a-z]{2}))?-(?<session>[1-9][0-9]*)\nsecret$/,
    places: ['country'],
  },
  netnut('residential', 'res', true),
  netnut('mobile', 'mob', false),
  netnut('isp', 'stc', true),
  netnut('dc', 'dc', false),
  {
    ...evomi,
    product: 'residential',
    endpoints: { http: 'rp.evomi.com:1000', https: 'rp.evomi.com:1001', socks5: 'rp.evomi.com:1002' },
    login:
      /^acme\nsecret(?:_country-(?<country>[A-Z]{2}))?(?:_region-(?<area>[a-z.]+))?(?:_city-(?<city>[a-z.]+))?(?:_isp-(?<isp>[a-z_]+))?(?:_asn-AS(?<asn>[0-9]+))?(?:_zip-(?<zip>[0-9a-z]+))?_session-(?<session>[0-9a-zA-Z]{6,10})(?:_lifetime-(?<ttl>[0-9]+))?$/,
    places: ['country', 'region', 'state', 'city', 'isp', 'asn', 'zip'],
  },
  {
    ...evomi,
    product: 'mobile',
    endpoints: { http: 'mp.evomi.com:3000', https: 'mp.evomi.com:3001', socks5: 'mp.evomi.com:3002' },
    login:
      /^acme\nsecret(?:_country-(?<country>[A-Z]{2}))?(?:_region-(?<area>[a-z.]+))?(?:_city-(?<city>[a-z.]+))?(?:_isp-(?<isp>[a-z_]+))?_session-(?<session>[0-9a-zA-Z]{6,10})(?:_lifetime-(?<ttl>[0-9]+))?$/,
    places: ['country', 'region', 'state', 'city', 'isp'],
  },
  { ...geonode, product: 'residential', login: geonodeLogin('residential') },
  { ...geonode, product: 'dc', login: geonodeLogin('datacenter') },
  // docs.joinmassive.com: geotargeting, sticky sessions (up to 240 minutes).
  {
    vendor: 'massive',
    product: 'residential',
    endpoints: {
      http: 'network.joinmassive.com:65534',
      https: 'network.joinmassive.com:65535',
      socks5: 'network.joinmassive.com:65533',
    },
    login:
      /^acme(?:-country-(?<country>[A-Z]{2}))?(?:-subdivision-(?<state>[A-Z0-9]{1,3}))?(?:-city-(?<city>[a-z ]+))?(?:-zipcode-(?<zip>[0-9a-z]+))?-session-(?<session>[0-9a-z]{1,255})(?:-sessionttl-(?<ttl>[0-9]+))?\nsecret$/,
    places: ['country', 'state', 'city', 'zip'],
    // Its states are codes: "New York" is none.
    may: (asked) => asked.state === undefined && needsCountry('city', 'zip')(asked),
    words: { us: 'US', gb: 'GB', san_francisco: 'san francisco' },
    ttl: { least: 60, most: 14_400, unit: 60 },
  },
  {
    vendor: 'massive',
    product: 'isp',
    endpoints: { http: 'isp.joinmassive.com:8000' },
    login: /^acme-session-(?<session>[0-9a-z]{1,255})\nsecret$/,
    places: [],
    words: {},
    ttl: null,
  },
  ...(['residential', 'mobile'] as const).map((product) => ({
    ...soax,
    product,
    ttl: { least: 10, most: 3600, unit: 1 },
  })),
  {
    ...soax,
    product: 'isp',
    login:
      /^package-acme(?:-country-(?<country>[a-z]{2}))?-sessionid-(?<session>[0-9a-z]+)(?:-sessionlength-(?<ttl>[0-9]+))?\nsecret$/,
    places: ['country'],
    ttl: { least: 10, most: 86_400, unit: 1 },
  },
];
