/**
 * Which of nginx's modules there are here, as its `-V` names them: a module is there if its directives have their meaning. What the table
 * of directives says is all that this goes by.
 */
import { rulesFor } from './directive-table.ts';

/** Whose behaviour is the measure. */
export const NGINX_VERSION = '1.28.0';

/** Built in unless nginx is told otherwise; with the directive that stands for it. */
const STANDARD: readonly (readonly [module: string, context: string, directive: string])[] = [
  ['http_charset_module', 'http', 'charset'],
  ['http_gzip_module', 'http', 'gzip'],
  ['http_ssi_module', 'http', 'ssi'],
  ['http_userid_module', 'http', 'userid'],
  ['http_access_module', 'http', 'allow'],
  ['http_auth_basic_module', 'http', 'auth_basic'],
  ['http_mirror_module', 'http', 'mirror'],
  ['http_autoindex_module', 'http', 'autoindex'],
  ['http_geo_module', 'http', 'geo'],
  ['http_map_module', 'http', 'map'],
  ['http_split_clients_module', 'http', 'split_clients'],
  ['http_referer_module', 'server', 'valid_referers'],
  ['http_rewrite_module', 'server', 'rewrite'],
  ['http_proxy_module', 'location', 'proxy_pass'],
  ['http_fastcgi_module', 'location', 'fastcgi_pass'],
  ['http_uwsgi_module', 'location', 'uwsgi_pass'],
  ['http_scgi_module', 'location', 'scgi_pass'],
  ['http_grpc_module', 'location', 'grpc_pass'],
  ['http_memcached_module', 'location', 'memcached_pass'],
  ['http_limit_conn_module', 'http', 'limit_conn'],
  ['http_limit_req_module', 'http', 'limit_req'],
  ['http_empty_gif_module', 'location', 'empty_gif'],
  ['http_browser_module', 'http', 'modern_browser'],
  ['http_upstream_hash_module', 'upstream', 'hash'],
  ['http_upstream_ip_hash_module', 'upstream', 'ip_hash'],
  ['http_upstream_least_conn_module', 'upstream', 'least_conn'],
  ['http_upstream_random_module', 'upstream', 'random'],
  ['http_upstream_keepalive_module', 'upstream', 'keepalive'],
  ['http_upstream_sticky_module', 'upstream', 'sticky'],
  ['http-cache', 'http', 'proxy_cache'],
  ['stream_limit_conn_module', 'stream', 'limit_conn'],
  ['stream_access_module', 'stream', 'allow'],
  ['stream_geo_module', 'stream', 'geo'],
  ['stream_map_module', 'stream', 'map'],
  ['stream_split_clients_module', 'stream', 'split_clients'],
  ['stream_return_module', 'stream-server', 'return'],
  ['stream_pass_module', 'stream-server', 'pass'],
  ['stream_set_module', 'stream-server', 'set'],
  ['stream_upstream_hash_module', 'stream-upstream', 'hash'],
  ['stream_upstream_least_conn_module', 'stream-upstream', 'least_conn'],
  ['stream_upstream_random_module', 'stream-upstream', 'random'],
];

/** Built in only if nginx is told so. */
const OPTIONAL: readonly (readonly [module: string, context: string, directive: string])[] = [
  ['http_ssl_module', 'server', 'ssl_certificate'],
  ['http_v2_module', 'server', 'http2'],
  ['http_realip_module', 'http', 'set_real_ip_from'],
  ['http_addition_module', 'http', 'add_before_body'],
  ['http_sub_module', 'http', 'sub_filter'],
  ['http_dav_module', 'http', 'dav_methods'],
  ['http_flv_module', 'location', 'flv'],
  ['http_mp4_module', 'location', 'mp4'],
  ['http_gunzip_module', 'http', 'gunzip'],
  ['http_gzip_static_module', 'http', 'gzip_static'],
  ['http_auth_request_module', 'http', 'auth_request'],
  ['http_random_index_module', 'location', 'random_index'],
  ['http_secure_link_module', 'http', 'secure_link'],
  ['http_slice_module', 'http', 'slice'],
  ['http_stub_status_module', 'server', 'stub_status'],
  ['stream', 'main', 'stream'],
  ['stream_ssl_module', 'stream', 'ssl_certificate'],
  ['stream_realip_module', 'stream', 'set_real_ip_from'],
  ['stream_ssl_preread_module', 'stream', 'ssl_preread'],
];

/** `--with-http_realip_module --without-http_gzip_module ...`. */
export function configureArguments(): readonly string[] {
  return [
    ...OPTIONAL.filter(isThere).map(([module]) => `--with-${module}`),
    ...STANDARD.filter((entry) => !isThere(entry)).map(([module]) => `--without-${module}`),
  ];
}

function isThere([, context, directive]: readonly [string, string, string]): boolean {
  return rulesFor(directive).some(({ contexts, state }) => {
    return contexts.includes(context) && (state === 'works' || state === 'differs');
  });
}
