/** nginx's variables that no file makes, each with the value of the model that it is here. docs/reference/nginx-conf.md shows them. */

/** `value`: a template, or null: it is not there, and a file that reads it is refused. `note`: why, or what is another than in nginx. */
export type VariableRow = readonly [names: string, value: string | null, note: string];

const STREAMED = 'bodies are streamed: nothing is stored';
const FILES = '**there is nothing like it yet**, but for `$document_root` in `if (-f ...)` and `if (-d ...)`';

const CLIENT_VARIABLES: readonly VariableRow[] = [
  ['ssl_session_reused', '{tls-resumed}', ''],
  ['ssl_client_verify', '{tls-client-verified}', ''],
  ['ssl_client_s_dn', '{tls-client-subject}', ''],
  ['ssl_client_i_dn', '{tls-client-issuer}', ''],
  ['ssl_client_serial', '{tls-client-serial}', ''],
  ['ssl_client_fingerprint', '{tls-client-old-fingerprint}', ''],
  ['ssl_client_v_start', '{tls-client-not-before}', ''],
  ['ssl_client_v_end', '{tls-client-not-after}', ''],
  ['ssl_client_v_remain', '{tls-client-days-left}', ''],
  ['ssl_client_escaped_cert', '{tls-client-certificate}', ''],
  [
    'ssl_client_cert ssl_client_raw_cert',
    '{tls-client-pem}',
    'in one line, as servers read the continued lines of nginx: with spaces in place of ends of lines',
  ],
  ['ssl_client_s_dn_legacy', '{tls-client-old-subject}', ''],
  ['ssl_client_i_dn_legacy', '{tls-client-old-issuer}', ''],
];

/** What is known of a socket with `ssl`, and of one without. */
export const TLS_CONSTANTS: readonly (readonly [string, string])[] = [
  ['scheme', 'https'],
  ['https', 'on'],
];
export const PLAIN_CONSTANTS: readonly (readonly [string, string])[] = [
  ['scheme', 'http'],
  ['https', ''],
  ...'ssl_ciphers ssl_curves ssl_curve ssl_alpn_protocol ssl_session_id ssl_protocol ssl_cipher ssl_server_name'
    .split(' ')
    .map((name) => [name, ''] as const),
  ...CLIENT_VARIABLES.map(([name]) => [name, ''] as const),
];

export const VARIABLES: readonly VariableRow[] = [
  ['host', '{host}', 'empty for a request without Host'],
  ['http_host', '{authority}', ''],
  ['remote_addr', '{client}', ''],
  ['binary_remote_addr', '{client-bytes}', ''],
  ['remote_port', '{peer-port}', 'of the connection, also with `set_real_ip_from`'],
  ['realip_remote_addr', '{sender}', ''],
  ['realip_remote_port', '{sender-port}', ''],
  ['proxy_add_x_forwarded_for', '{forwarded-for}', ''],
  ['request_uri', '{uri}', ''],
  ['request_method', '{method}', ''],
  ['request_id', '{request-id}', ''],
  ['request', '{request-line}', ''],
  ['content_type', '{header:Content-Type}', ''],
  ['content_length', '{header:Content-Length}', ''],
  ['args query_string', '{args}', ''],
  ['is_args', '{question-mark}', ''],
  ['uri document_uri', '{decoded-path}', ''],
  ['server_addr', '{local}', ''],
  ['server_protocol', '{protocol}', ''],
  ['server_port', '{local-port}', ''],
  ['connection', '{connection}', 'counted by each proxy for itself'],
  ['connection_requests', '{connection-requests}', ''],
  ['connection_time', '{connection-time}', ''],
  ['hostname', '{hostname}', ''],
  ['msec', '{time}', ''],
  ['time_iso8601', '{iso-time}', 'in UTC'],
  [
    'scheme',
    '{scheme}',
    'known from `listen`; in `map` and the like also what a trusted proxy says in X-Forwarded-Proto',
  ],
  ['https', '{tls}', ''],
  ['ssl_protocol', '{tls-version}', ''],
  ['ssl_cipher', '{tls-cipher}', ''],
  ['ssl_server_name', '{tls-server-name}', ''],
  ['ssl_curve', '{tls-group}', ''],
  ['ssl_ciphers', '{tls-offered-ciphers}', ''],
  ['ssl_curves', '{tls-offered-groups}', ''],
  ['ssl_alpn_protocol', '{tls-protocol}', ''],
  ['ssl_session_id', '{tls-session}', ''],
  ['ssl_early_data', '', 'empty: there is none'],
  ['ssl_preread_server_name', '{tls-server-name}', 'of `stream`, with `ssl_preread on`'],
  [
    'ssl_preread_protocol ssl_preread_alpn_protocols',
    null,
    'of `stream`: **only in a `map` that says where `proxy_pass` leads to**',
  ],
  ['http2 http3', '', 'empty, over HTTP/2 too: `$server_protocol` says so'],
  ...CLIENT_VARIABLES,
  ['proxy_protocol_addr', '{proxy-client}', ''],
  ['proxy_protocol_port', '{proxy-client-port}', ''],
  ['proxy_protocol_server_addr', '{proxy-local}', ''],
  ['proxy_protocol_server_port', '{proxy-local-port}', ''],
  ['proxy_protocol_tlv_authority', '{proxy-authority}', ''],
  ['proxy_protocol_tlv_unique_id', '{proxy-unique-id}', ''],
  [
    'remote_user',
    '',
    'empty without `auth_basic`, and until that has let the user in: nginx has here what a client says in Authorization, whoever it is',
  ],
  ['request_body', null, 'in `add_header`, in the text of a `return` for an `error_page`, and in a `log_format` alone'],
  ['request_body_file', null, STREAMED],
  ['document_root realpath_root request_filename', null, FILES],
  ['pid pipe limit_rate nginx_version', null, '**there is nothing like it yet**'],
  ['tcpinfo_rtt tcpinfo_rttvar tcpinfo_snd_cwnd tcpinfo_rcv_space', null, '**there is nothing like it yet**'],
];

/** Only where a response is changed: in `add_header`, and in what replaces a part of a field. */
export const RESPONSE_VARIABLES: readonly VariableRow[] = [
  ['status', '{status}', ''],
  ['upstream_cache_status', '', 'empty: responses are not kept'],
  ['upstream_addr', '{server}', 'empty in answers of the proxy itself'],
  ['upstream_status', '{server-status}', 'likewise'],
  ['upstream_connect_time', '{server-connect-time}', 'likewise'],
  ['request_body', '{request-body}', 'of up to 2 KiB, when all of it has come'],
  ['upstream_header_time', '{server-header-time}', ''],
  ['upstream_response_time', '{server-response-time}', '`-` of the try whose response it is'],
];

/** Only in `log_format`, and some in the condition of an `access_log`: known when the request is over. */
export const LOG_VARIABLES: readonly VariableRow[] = [
  ['status', '{status}', '0 where the client has got no response, 499 among them'],
  ['body_bytes_sent', '{body-bytes-sent}', ''],
  ['bytes_sent', '{bytes-sent}', ''],
  ['request_length', '{bytes-received}', ''],
  ['request_time', '{request-time}', ''],
  ['request_completion', '{completion}', ''],
  ['time_local', '{local-time}', 'in UTC'],
  ['upstream_addr', '{server}', ''],
  ['upstream_status', '{server-status}', ''],
  ['upstream_connect_time', '{server-connect-time}', ''],
  ['upstream_header_time', '{server-header-time}', ''],
  ['upstream_response_time', '{server-response-time}', ''],
  ['request_body', '{request-body}', 'its first 512 bytes, of up to 2 KiB'],
  ['gzip_ratio', '', 'empty: nothing is compressed'],
  ['remote_user', null, 'what a client says of itself in Authorization is not in access logs yet'],
];

/** The same in `stream`. */
export const STREAM_LOG_VARIABLES: readonly VariableRow[] = [
  ['status', '{status}', ''],
  ['protocol', '{transport}', ''],
  ['bytes_received', '{bytes-received}', ''],
  ['bytes_sent', '{bytes-sent}', ''],
  ['session_time', '{request-time}', ''],
  ['time_local', '{local-time}', 'in UTC'],
  ['upstream_addr', '{server}', ''],
  ['upstream_bytes_sent', '{server-bytes-sent}', 'without a PROXY protocol header'],
  ['upstream_bytes_received', '{server-bytes-received}', ''],
  ['upstream_connect_time', '{server-connect-time}', ''],
  ['upstream_first_byte_time', '{server-header-time}', ''],
  ['upstream_session_time', '{server-response-time}', ''],
];

/** Made of names, or known from the file. */
export const NAMED_VARIABLES: readonly VariableRow[] = [
  ['http_NAME', '{header:Name}', ''],
  ['cookie_NAME', '{cookie:NAME}', ''],
  ['arg_NAME', '{query:NAME}', ''],
  [
    'proxy_protocol_tlv_NAME',
    '{proxy-tlv:NAME}',
    '`alpn`, `netns`, `ssl`, `ssl_verify`, `ssl_version`, `ssl_cn`, `ssl_cipher`, `ssl_sig_alg`, `ssl_key_alg`, `0xea`, `ssl_0x21`',
  ],
  ['1 ... 9', '{capture:1}', 'of the expression that matched last; named groups too'],
  ['upstream_http_NAME', '{response:Name}', 'in `add_header` and logs: the field as the server sent it'],
  [
    'sent_http_NAME',
    '{sent:Name}',
    'in logs: the field as the client was sent it; in `add_header` and `map` as the server sent it',
  ],
  ['server_name proxy_host proxy_port', 'text', 'known from the file, or `{server-by}` and `{server-by-port}`'],
];
