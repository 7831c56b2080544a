import type { Entry } from './entry.ts';

/** What has to fit together: listeners and routes. */
export const ROUTES = {
  'undefined-upstream': {
    severity: 'error',
    message: 'there is no upstream <value>',
    remedy: '<fix>',
  },
  'named-by-request': {
    severity: 'error',
    message: 'the upstream <value> leaves it to requests where they go, and cannot be named by one',
    remedy: 'name one with `servers`',
  },
  'bad-keys-url': {
    severity: 'error',
    message: '<value> is no place to read keys from',
    remedy: 'write the path of a file, or a URL with http or https, for example https://sso.example/keys',
  },
  'password-in-clear': {
    severity: 'warning',
    message: 'passwords can be read on their way to listener `<listener>`, which has no TLS',
    remedy: 'give it `tls`; if a proxy in front has it, write `forwarded: { trust: [ADDRESS] }` with its address',
    about: 'Basic authentication sends the password with every request, and hides nothing of it.',
  },
  'password-and-token': {
    severity: 'warning',
    message:
      'nobody can enter here: a password and a token are both wanted, and a client says one or the other in `Authorization`',
    remedy: 'write `satisfy: any`, so that either is enough, or where else the token is: `token: "{cookie:session}"`',
    about: 'Of what `auth` has all is wanted, unless it says `satisfy: any`.',
  },
  'taken-without-auth': {
    severity: 'warning',
    message: 'the route that takes this asks who may enter, and this one does not: who can choose it enters',
    remedy: 'write `auth` here too',
    about:
      'What `steps` take is a route of its own. What chooses it is often a thing that a client says: a cookie, a header, a parameter.',
  },
  'undefined-route': {
    severity: 'error',
    message: 'no route of this listener has the name <value>',
    remedy: 'give the route that is meant this `name`',
  },
  'name-taken': {
    severity: 'error',
    message: 'another route of this listener has the name <value> already',
    remedy: 'give each its own name',
  },
  'undefined-value': {
    severity: 'error',
    message: 'there is no value <value>',
    remedy: '<fix>',
  },
  'undefined-log': {
    severity: 'error',
    message: 'there is no access log <value>',
    remedy: '<fix>',
  },
  'value-of-request': {
    severity: 'error',
    message: '<value> is known of a request, and a listener of TCP sees none',
    remedy: 'use a value of the connection: `{client}`, `{local-port}`, `{tls-server-name}` or the like',
  },
  'bad-syslog-tag': {
    severity: 'error',
    message: '<value> cannot be the tag of a message',
    remedy: 'write up to 48 characters of visible ASCII, without `:`, `[` and `]`',
  },
  'log-of-requests': {
    severity: 'error',
    message: 'the log <log> has <value>, which is known of requests, and a session of TCP or UDP is none',
    remedy: 'name a log with `format: json`, or with values of connections alone',
  },
  'value-circle': {
    severity: 'error',
    message: 'the value <value> is made of itself',
    remedy: 'take `{value:...}` out of one of the values that it is made of',
  },
  'shares-over': {
    severity: 'error',
    message: 'the shares are <sum> together',
    remedy: 'write shares of 100% at most',
  },
  'duplicate-bind': {
    severity: 'error',
    message: '<value> is already used by listener `<other>` on line <line>',
    remedy: 'listen on another address or port here, or put the routes into one listener',
  },
  'overlapping-bind': {
    severity: 'error',
    message: '<value> overlaps <wide> of listener `<other>` on line <line>',
    remedy: 'use another port for one of them, or write single addresses instead of the wildcard',
  },
  'wrong-protocol': {
    severity: 'error',
    message: '`<key>` is not allowed with `protocol: <protocol>`',
    remedy: '<fix>',
  },
  'needs-one': {
    severity: 'error',
    message: '<place> needs one of <choices>',
    remedy: 'add one',
  },
  'only-one': {
    severity: 'error',
    message: '<place> has <given>, and can have only one of them',
    remedy: 'keep one',
  },
  'no-effect': {
    severity: 'error',
    message: '`<key>` has no effect here: <reason>',
    remedy: '<fix>',
    about: 'Nothing that is written is ignored silently.',
  },
  'bad-fingerprint': {
    severity: 'error',
    message: '<value> is no fingerprint',
    remedy: 'write what `evenkeel identity` says on that node: sha256: and 43 characters',
  },
  'bad-peer-address': {
    severity: 'error',
    message: '<value> is not an IP address with a port',
    remedy: 'write for example 192.0.2.11:7946',
  },
  'admin-not-loopback': {
    severity: 'error',
    message: '`admin.bind` is <value>, and without `tls` the admin API is served on loopback alone',
    remedy: '<fix>',
    about: 'Elsewhere tokens would be read on the way.',
  },
  'server-is-admin': {
    severity: 'error',
    message: 'this server is `admin.bind`: clients would be shown what programs of this machine are',
    remedy: 'write the address of the server itself; ask the admin API from elsewhere by `ssh -L`',
  },
  'peer-twice': {
    severity: 'error',
    message: '<other> has the <key> <value> already',
    remedy: 'write the one of this node: each has its own',
  },
  'acme-challenge': {
    severity: 'error',
    message: '`challenge: <challenge>` cannot be answered: <reason>',
    remedy: '<fix>',
  },
  'acme-conflict': {
    severity: 'error',
    message: 'the certificate of <name> is asked for here and in line <line>, and not in the same way',
    remedy: 'write the same in both places, for example by an anchor (`&site` there and `*site` here)',
  },
  'route-unreachable': {
    severity: 'warning',
    message: 'this route is unreachable: the one on line <line> matches all of its requests',
    remedy: 'put the more specific route first: the first match wins',
  },
  'rewrite-without-prefix': {
    severity: 'error',
    message: 'a path that matches by `regex` has no prefix that `rewrite.prefix` could replace',
    remedy: 'write `rewrite: { regex:, to: }`, or match a plain prefix',
  },
  'framing-header': {
    severity: 'error',
    message: "<value> controls the connection or the framing of the message, which is the proxy's task",
    remedy: 'leave it out',
    about: 'A field that contradicts the bytes that follow is how requests are smuggled (RFC 9112 section 11.2).',
  },
  'own-header': {
    severity: 'error',
    message: '<value> is written by the proxy itself here, and would be there twice',
    remedy: '<fix>',
  },
  'value-in-script': {
    severity: 'error',
    message: '<value> stands in a script, a style or the attribute of an event, where no escape makes it safe',
    remedy: 'put it into an attribute such as `data-value` and let the script read that',
  },
  'duplicate-header': {
    severity: 'error',
    message: '<value> is a duplicate; names of header fields are compared without case',
    remedy: 'keep one of them',
  },
  'body-not-allowed': {
    severity: 'error',
    message: 'a response with status <status> has no body',
    remedy: 'leave `body` out, or use status 200',
  },
  'too-large': {
    severity: 'error',
    message: '<what> would be <size> bytes, but the limit is <limit>',
    remedy: '<fix>',
  },
  'too-many': {
    severity: 'error',
    message: 'there are <count> <what>, but the limit is <limit>',
    remedy: 'write fewer, or divide them among more machines',
  },
} as const satisfies Readonly<Record<string, Entry>>;
