/** The kinds of values of a request, as numbers. */

export const CLIENT = 0;
export const PEER = 1;
export const HOST = 2;
export const AUTHORITY = 3;
export const METHOD = 4;
export const PATH = 5;
export const NORMAL_PATH = 6;
export const QUERY = 7;
export const SCHEME = 8;
export const REQUEST_ID = 9;
export const FORWARDED_FOR = 10;
export const SENT_PATH = 11;
export const SENT_QUERY = 12;
export const DECODED_PATH = 13;
export const ARGUMENTS = 14;
export const QUESTION_MARK = 15;
export const PEER_PORT = 16;
export const LOCAL = 17;
export const LOCAL_PORT = 18;
export const PROTOCOL = 19;
export const REQUEST_LINE = 20;
export const CONNECTION = 21;
export const CONNECTION_REQUESTS = 22;
export const CONNECTION_TIME = 23;
export const CLIENT_BYTES = 24;
export const TIME = 25;
export const ISO_TIME = 26;
export const PROXY_CLIENT = 27;
export const PROXY_CLIENT_PORT = 28;
export const PROXY_LOCAL = 29;
export const PROXY_LOCAL_PORT = 30;
export const PROXY_AUTHORITY = 31;
export const PROXY_UNIQUE_ID = 32;
export const TLS = 33;
export const TLS_VERSION = 34;
export const TLS_CIPHER = 35;
export const TLS_SERVER_NAME = 36;
export const TLS_RESUMED = 37;
export const TLS_CLIENT_VERIFIED = 38;
export const TLS_CLIENT_SUBJECT = 39;
export const TLS_CLIENT_ISSUER = 40;
export const TLS_CLIENT_SERIAL = 41;
export const TLS_CLIENT_FINGERPRINT = 42;
export const TLS_CLIENT_OLD_FINGERPRINT = 43;
export const TLS_CLIENT_NOT_BEFORE = 44;
export const TLS_CLIENT_NOT_AFTER = 45;
export const TLS_CLIENT_DAYS_LEFT = 46;
export const TLS_CLIENT_CERTIFICATE = 47;
export const VARIABLE = 48;
export const CAPTURE = 49;
export const PAGE_STATUS = 50;
export const DATE = 51;
export const HOSTNAME = 52;
export const SERVER_BY = 53;
export const SERVER_BY_PORT = 54;
export const SENDER = 55;
export const SENDER_PORT = 56;
export const TLS_GROUP = 57;
export const TLS_PROTOCOL = 58;
export const TLS_SESSION = 59;
export const TRACE_ID = 60;
export const SPAN_ID = 61;
export const PARENT_SPAN_ID = 62;
export const TRACE_SAMPLED = 63;
export const TRACEPARENT = 64;
export const TRACESTATE = 65;
export const TLS_OFFERED_CIPHERS = 66;
export const TLS_OFFERED_GROUPS = 67;
export const TLS_CLIENT_OLD_SUBJECT = 68;
export const TLS_CLIENT_OLD_ISSUER = 69;
export const TLS_CLIENT_PEM = 70;
export const PROXY_TLV = 71;
// those with a name, which may be there several times
export const HEADER = 72;
export const COOKIE = 73;
export const PARAMETER = 74;

/** By the word of a placeholder. */
export const KINDS = {
  client: CLIENT,
  peer: PEER,
  host: HOST,
  authority: AUTHORITY,
  method: METHOD,
  path: PATH,
  query: QUERY,
  scheme: SCHEME,
  'request-id': REQUEST_ID,
  'trace-id': TRACE_ID,
  'span-id': SPAN_ID,
  'parent-span-id': PARENT_SPAN_ID,
  'trace-sampled': TRACE_SAMPLED,
  traceparent: TRACEPARENT,
  tracestate: TRACESTATE,
  'forwarded-for': FORWARDED_FOR,
  'decoded-path': DECODED_PATH,
  args: ARGUMENTS,
  'question-mark': QUESTION_MARK,
  'peer-port': PEER_PORT,
  sender: SENDER,
  'sender-port': SENDER_PORT,
  local: LOCAL,
  'local-port': LOCAL_PORT,
  protocol: PROTOCOL,
  'request-line': REQUEST_LINE,
  connection: CONNECTION,
  'connection-requests': CONNECTION_REQUESTS,
  'connection-time': CONNECTION_TIME,
  'client-bytes': CLIENT_BYTES,
  time: TIME,
  'iso-time': ISO_TIME,
  'proxy-client': PROXY_CLIENT,
  'proxy-client-port': PROXY_CLIENT_PORT,
  'proxy-local': PROXY_LOCAL,
  'proxy-local-port': PROXY_LOCAL_PORT,
  'proxy-authority': PROXY_AUTHORITY,
  'proxy-unique-id': PROXY_UNIQUE_ID,
  'page-status': PAGE_STATUS,
  hostname: HOSTNAME,
  'server-by': SERVER_BY,
  'server-by-port': SERVER_BY_PORT,
  tls: TLS,
  'tls-version': TLS_VERSION,
  'tls-cipher': TLS_CIPHER,
  'tls-server-name': TLS_SERVER_NAME,
  'tls-group': TLS_GROUP,
  'tls-offered-ciphers': TLS_OFFERED_CIPHERS,
  'tls-offered-groups': TLS_OFFERED_GROUPS,
  'tls-protocol': TLS_PROTOCOL,
  'tls-session': TLS_SESSION,
  'tls-resumed': TLS_RESUMED,
  'tls-client-verified': TLS_CLIENT_VERIFIED,
  'tls-client-subject': TLS_CLIENT_SUBJECT,
  'tls-client-issuer': TLS_CLIENT_ISSUER,
  'tls-client-serial': TLS_CLIENT_SERIAL,
  'tls-client-fingerprint': TLS_CLIENT_FINGERPRINT,
  'tls-client-old-fingerprint': TLS_CLIENT_OLD_FINGERPRINT,
  'tls-client-not-before': TLS_CLIENT_NOT_BEFORE,
  'tls-client-not-after': TLS_CLIENT_NOT_AFTER,
  'tls-client-days-left': TLS_CLIENT_DAYS_LEFT,
  'tls-client-old-subject': TLS_CLIENT_OLD_SUBJECT,
  'tls-client-old-issuer': TLS_CLIENT_OLD_ISSUER,
  'tls-client-certificate': TLS_CLIENT_CERTIFICATE,
  'tls-client-pem': TLS_CLIENT_PEM,
} as const;
/** The same with a name behind it. */
export const NAMED_KINDS = {
  header: HEADER,
  cookie: COOKIE,
  query: PARAMETER,
  value: VARIABLE,
  capture: CAPTURE,
  date: DATE,
  'proxy-tlv': PROXY_TLV,
} as const;

export type Kind =
  | (typeof KINDS)[keyof typeof KINDS]
  | (typeof NAMED_KINDS)[keyof typeof NAMED_KINDS]
  | typeof NORMAL_PATH
  | typeof SENT_PATH
  | typeof SENT_QUERY;

/** Those that are in the request's head: for others the view has to be complete. */
export const IN_HEAD: ReadonlySet<Kind> = new Set<Kind>([
  HOST,
  AUTHORITY,
  METHOD,
  PATH,
  NORMAL_PATH,
  QUERY,
  SENT_PATH,
  SENT_QUERY,
  DECODED_PATH,
  ARGUMENTS,
  QUESTION_MARK,
  PROTOCOL,
  REQUEST_LINE,
  HEADER,
  COOKIE,
  PARAMETER,
]);
