/** The directives of HTTP, less those that speak to servers. */
import type { ModuleRows } from './directive-row.ts';

export const HTTP_ROWS: readonly ModuleRows[] = [
  {
    module: 'ngx_http_core_module',
    rows: [
      [
        'variables_hash_max_size variables_hash_bucket_size server_names_hash_max_size server_names_hash_bucket_size',
        'http',
        '1',
        'no effect',
        'it concerns files, or tunes the inside of nginx',
      ],
      ['server', 'http', '0 {}', 'works', ''],
      [
        'connection_pool_size request_pool_size',
        'http server',
        '1',
        'no effect',
        'it concerns files, or tunes the inside of nginx',
      ],
      ['client_header_timeout', 'http server', '1', 'works', ''],
      [
        'client_header_buffer_size',
        'http server',
        '1',
        'differs',
        'the size of a whole head is bounded, not that of a line: 64 KiB; more is 431',
      ],
      [
        'large_client_header_buffers',
        'http server',
        '2',
        'differs',
        'the size of a whole head is bounded, not that of a line: 64 KiB; more is 431',
      ],
      ['max_headers', 'http server', '1', 'differs', 'at most 1000'],
      [
        'ignore_invalid_headers',
        'http server',
        'flag',
        'differs',
        'the default server decides for its address; what is no field name in HTTP is answered 400',
      ],
      ['merge_slashes', 'http server', 'flag', 'works', ''],
      ['underscores_in_headers', 'http server', 'flag', 'differs', 'only `off`: fields with underscores are dropped'],
      ['location', 'server location', '1-2 {}', 'works', ''],
      [
        'listen',
        'server',
        '1+',
        'differs',
        '`*:port`, `address:port`, `[address]:port`, `unix:`, `default_server`; what tunes the socket has no effect; **`ssl`, `quic` and `proxy_protocol` are refused**',
      ],
      ['server_name', 'server', '1+', 'works', 'exact, `*.name`, `name.*`, `.name`, `~regex`'],
      [
        'types_hash_max_size types_hash_bucket_size sendfile_max_chunk subrequest_output_buffer_size aio read_ahead directio directio_alignment send_lowat postpone_output if_modified_since max_ranges open_file_cache_valid open_file_cache_min_uses',
        'http server location',
        '1',
        'no effect',
        'it concerns files, or tunes the inside of nginx',
      ],
      ['types', 'http server location', '0 {}', 'no effect', 'it concerns files, or tunes the inside of nginx'],
      ['default_type', 'http server location', '1', 'works', 'of `return` with a text'],
      [
        'root',
        'http server location location-if',
        '1',
        'left out',
        'files are not served yet: what would be answered from files is 404',
      ],
      ['alias', 'location', '1', 'not yet', 'files are not served yet'],
      ['limit_except', 'location', '1+ {}', 'differs', 'with `allow` and `deny`; **`proxy_pass` inside is refused**'],
      ['client_max_body_size client_body_timeout', 'http server location', '1', 'works', ''],
      ['client_body_buffer_size', 'http server location', '1', 'no effect', 'bodies are streamed: nothing is stored'],
      ['client_body_temp_path', 'http server location', '1-4', 'no effect', 'bodies are streamed: nothing is stored'],
      [
        'client_body_in_file_only',
        'http server location',
        '1',
        'not yet',
        'bodies are streamed and never stored in files',
      ],
      [
        'client_body_in_single_buffer',
        'http server location',
        'flag',
        'no effect',
        'bodies are streamed: nothing is stored',
      ],
      ['client_body_early_read', 'http server', '1+', 'no effect', 'bodies are streamed: nothing is stored'],
      [
        'sendfile',
        'http server location location-if',
        'flag',
        'no effect',
        'it concerns files, or tunes the inside of nginx',
      ],
      [
        'aio_write tcp_nopush tcp_nodelay reset_timedout_connection server_name_in_redirect msie_padding msie_refresh log_not_found log_subrequest etag open_file_cache_errors open_file_cache_events',
        'http server location',
        'flag',
        'no effect',
        'it concerns files, or tunes the inside of nginx',
      ],
      ['send_timeout', 'http server location', '1', 'differs', 'the shorter of this and `client_body_timeout` counts'],
      [
        'limit_rate limit_rate_after post_action',
        'http server location location-if',
        '1',
        'not yet',
        '**there is nothing like it yet**',
      ],
      [
        'keepalive_time keepalive_min_timeout keepalive_requests',
        'http server location',
        '1',
        'no effect',
        'a connection may have any number of requests, for any time',
      ],
      [
        'keepalive_timeout',
        'http server location',
        '1-2',
        'differs',
        'between two requests, and before the first; the second argument (a Keep-Alive field) has no effect',
      ],
      [
        'keepalive_disable open_file_cache disable_symlinks',
        'http server location',
        '1-2',
        'no effect',
        'it concerns files, or tunes the inside of nginx',
      ],
      ['satisfy auth_delay', 'http server location', '1', 'not yet', '**there is nothing like it yet**'],
      ['internal', 'location', '0', 'works', ''],
      [
        'lingering_close lingering_time lingering_timeout',
        'http server location',
        '1',
        'no effect',
        'evenkeel always lingers, for two seconds at most where nothing comes',
      ],
      ['absolute_redirect port_in_redirect', 'http server location', 'flag', 'works', ''],
      ['recursive_error_pages', 'http server location', 'flag', 'differs', 'only `off`'],
      ['server_tokens', 'http server location', '1', 'no effect', 'evenkeel names itself nowhere'],
      ['chunked_transfer_encoding', 'http server location', 'flag', 'differs', 'only `on`'],
      ['early_hints', 'http server location', '1+', 'not yet', '**there is nothing like it yet**'],
      [
        'error_page',
        'http server location location-if',
        '2+',
        'differs',
        'for errors of requests without a body; **a page that is a file is not answered yet**: the error is',
      ],
      ['error_log', 'server location', '1+', 'left out', 'there is one log for all servers'],
      [
        'resolver',
        'http server location',
        '1+',
        'no effect',
        "names of servers are resolved again and again by the system's resolver",
      ],
      [
        'resolver_timeout',
        'http server location',
        '1',
        'no effect',
        "names of servers are resolved again and again by the system's resolver",
      ],
      ['gzip_vary', 'http server location', 'flag', 'left out', 'compression is not there yet'],
      ['gzip_http_version', 'http server location', '1', 'left out', 'compression is not there yet'],
      ['gzip_proxied gzip_disable', 'http server location', '1+', 'left out', 'compression is not there yet'],
      [
        'status_zone',
        'server location location-if',
        '1',
        'no effect',
        'it concerns files, or tunes the inside of nginx',
      ],
    ],
  },
  {
    module: 'ngx_http_access_module',
    rows: [
      [
        'allow deny',
        'http server location limit_except',
        '1',
        'differs',
        'addresses, networks and `all`; **`unix:` is refused**',
      ],
    ],
  },
  {
    module: 'ngx_http_auth_basic_module',
    rows: [
      [
        'auth_basic',
        'http server location limit_except',
        '1',
        'not yet',
        'authentication is not there yet; `off` works',
      ],
      [
        'auth_basic_user_file',
        'http server location limit_except',
        '1',
        'no effect',
        'without `auth_basic` and `auth_request` it means nothing',
      ],
    ],
  },
  {
    module: 'ngx_http_auth_request_module',
    rows: [
      ['auth_request', 'http server location', '1', 'not yet', 'authentication is not there yet; `off` works'],
      [
        'auth_request_set',
        'http server location',
        '2',
        'no effect',
        'without `auth_basic` and `auth_request` it means nothing',
      ],
    ],
  },
  {
    module: 'ngx_http_headers_filter_module',
    rows: [
      ['expires', 'http server location location-if', '1-2', 'left out', 'expiry fields are not there yet'],
      ['add_header', 'http server location location-if', '2-3', 'works', 'with and without `always`'],
      ['add_trailer', 'http server location location-if', '2-3', 'not yet', '**there is nothing like it yet**'],
      [
        'add_header_inherit add_trailer_inherit',
        'http server location location-if',
        '1',
        'not yet',
        '**there is nothing like it yet**',
      ],
    ],
  },
  {
    module: 'ngx_http_rewrite_module',
    rows: [
      ['rewrite', 'server server-if location location-if', '2-3', 'works', ''],
      [
        'return',
        'server server-if location location-if',
        '1-2',
        'differs',
        "**444 with a text, and variables that are not there yet, are refused**; the body of a code alone is evenkeel's",
      ],
      ['break', 'server server-if location location-if', '0', 'works', ''],
      ['if', 'server location', '1+ {}', 'differs', '**`-f`, `-d`, `-e` and `-x` are refused**'],
      ['set', 'server server-if location location-if', '2', 'works', ''],
      [
        'rewrite_log uninitialized_variable_warn',
        'http server server-if location location-if',
        'flag',
        'no effect',
        'it tunes the inside of nginx',
      ],
    ],
  },
  {
    module: 'ngx_http_map_module',
    rows: [
      ['map', 'http', '2 {}', 'works', ''],
      ['map_hash_max_size map_hash_bucket_size', 'http', '1', 'no effect', 'it tunes the inside of nginx'],
    ],
  },
  {
    module: 'ngx_http_geo_module',
    rows: [['geo', 'http', '1-2 {}', 'differs', '**`ranges`, `proxy` and `proxy_recursive` are refused**']],
  },
  {
    module: 'ngx_http_split_clients_module',
    rows: [['split_clients', 'http', '2 {}', 'works', '']],
  },
  {
    module: 'ngx_http_realip_module',
    rows: [
      [
        'set_real_ip_from',
        'http server location',
        '1',
        'not yet',
        'real addresses behind another proxy are not there yet',
      ],
      ['real_ip_header', 'http server location', '1', 'no effect', 'without `set_real_ip_from` it means nothing'],
      ['real_ip_recursive', 'http server location', 'flag', 'no effect', 'without `set_real_ip_from` it means nothing'],
    ],
  },
  {
    module: 'ngx_http_limit_conn_module',
    rows: [
      ['limit_conn_zone', 'http', '2', 'left out', 'a zone alone limits nothing'],
      ['limit_conn', 'http server location', '2', 'not yet', 'limits of requests and connections are not there yet'],
      [
        'limit_conn_log_level limit_conn_status',
        'http server location',
        '1',
        'no effect',
        'without `limit_req` and `limit_conn` it means nothing',
      ],
      [
        'limit_conn_dry_run',
        'http server location',
        'flag',
        'no effect',
        'without `limit_req` and `limit_conn` it means nothing',
      ],
    ],
  },
  {
    module: 'ngx_http_limit_req_module',
    rows: [
      ['limit_req_zone', 'http', '3', 'left out', 'a zone alone limits nothing'],
      ['limit_req', 'http server location', '1-3', 'not yet', 'limits of requests and connections are not there yet'],
      [
        'limit_req_log_level limit_req_status',
        'http server location',
        '1',
        'no effect',
        'without `limit_req` and `limit_conn` it means nothing',
      ],
      [
        'limit_req_dry_run',
        'http server location',
        'flag',
        'no effect',
        'without `limit_req` and `limit_conn` it means nothing',
      ],
    ],
  },
  {
    module: 'ngx_http_log_module',
    rows: [
      ['log_format', 'http', '2+', 'no effect', 'there is no access log yet'],
      [
        'access_log',
        'http server location location-if limit_except',
        '1+',
        'left out',
        'an access log is not there yet; `off` works',
      ],
      ['open_log_file_cache', 'http server location', '1-4', 'no effect', 'there is no access log yet'],
    ],
  },
  {
    module: 'ngx_http_ssl_module',
    rows: [
      [
        'ssl_certificate ssl_certificate_key ssl_ech_file ssl_password_file ssl_dhparam ssl_ecdh_curve ssl_ciphers ssl_buffer_size ssl_verify_client ssl_verify_depth ssl_client_certificate ssl_trusted_certificate ssl_session_ticket_key ssl_session_timeout ssl_crl ssl_ocsp ssl_ocsp_responder ssl_ocsp_cache ssl_stapling_file ssl_stapling_responder',
        'http server',
        '1',
        'left out',
        'TLS is not there yet: `listen ... ssl` is refused, and without it this means nothing',
      ],
      [
        'ssl_certificate_cache',
        'http server',
        '1-3',
        'left out',
        'TLS is not there yet: `listen ... ssl` is refused, and without it this means nothing',
      ],
      [
        'ssl_certificate_compression ssl_prefer_server_ciphers ssl_session_tickets ssl_stapling ssl_stapling_verify ssl_early_data ssl_reject_handshake ssl',
        'http server',
        'flag',
        'left out',
        'TLS is not there yet: `listen ... ssl` is refused, and without it this means nothing',
      ],
      [
        'ssl_protocols',
        'http server',
        '1+',
        'left out',
        'TLS is not there yet: `listen ... ssl` is refused, and without it this means nothing',
      ],
      [
        'ssl_session_cache',
        'http server',
        '1-2',
        'left out',
        'TLS is not there yet: `listen ... ssl` is refused, and without it this means nothing',
      ],
      [
        'ssl_conf_command',
        'http server',
        '2',
        'left out',
        'TLS is not there yet: `listen ... ssl` is refused, and without it this means nothing',
      ],
    ],
  },
  {
    module: 'ngx_http_v2_module',
    rows: [
      ['http2', 'http server', 'flag', 'left out', 'HTTP/2 is not there yet: clients are answered in HTTP/1.1'],
      ['http2_recv_buffer_size', 'http', '1', 'left out', 'HTTP/2 is not there yet: clients are answered in HTTP/1.1'],
      [
        'http2_pool_size http2_max_concurrent_streams http2_max_concurrent_pushes http2_max_requests http2_max_field_size http2_max_header_size http2_body_preread_size http2_streams_index_size http2_recv_timeout http2_idle_timeout',
        'http server',
        '1',
        'left out',
        'HTTP/2 is not there yet: clients are answered in HTTP/1.1',
      ],
      [
        'http2_chunk_size http2_push',
        'http server location',
        '1',
        'left out',
        'HTTP/2 is not there yet: clients are answered in HTTP/1.1',
      ],
      [
        'http2_push_preload',
        'http server location',
        'flag',
        'left out',
        'HTTP/2 is not there yet: clients are answered in HTTP/1.1',
      ],
    ],
  },
  {
    module: 'ngx_http_gzip_filter_module',
    rows: [
      ['gzip', 'http server location location-if', 'flag', 'left out', 'compression is not there yet'],
      ['gzip_buffers', 'http server location', '2', 'left out', 'compression is not there yet'],
      ['gzip_types', 'http server location', '1+', 'left out', 'compression is not there yet'],
      [
        'gzip_comp_level gzip_window gzip_hash postpone_gzipping gzip_min_length',
        'http server location',
        '1',
        'left out',
        'compression is not there yet',
      ],
      ['gzip_no_buffer', 'http server location', 'flag', 'left out', 'compression is not there yet'],
    ],
  },
  {
    module: 'ngx_http_addition_filter_module',
    rows: [
      ['add_before_body add_after_body', 'http server location', '1', 'not yet', 'bodies are passed on as they are'],
      ['addition_types', 'http server location', '1+', 'not yet', 'bodies are passed on as they are'],
    ],
  },
  {
    module: 'ngx_http_autoindex_module',
    rows: [
      [
        'autoindex autoindex_localtime autoindex_exact_size',
        'http server location',
        'flag',
        'left out',
        'files are not served yet',
      ],
      ['autoindex_format', 'http server location', '1', 'left out', 'files are not served yet'],
    ],
  },
  {
    module: 'ngx_http_browser_module',
    rows: [
      ['modern_browser', 'http server location', '1-2', 'not yet', 'there is no such module'],
      ['ancient_browser', 'http server location', '1+', 'not yet', 'there is no such module'],
      ['modern_browser_value ancient_browser_value', 'http server location', '1', 'not yet', 'there is no such module'],
    ],
  },
  {
    module: 'ngx_http_charset_filter_module',
    rows: [
      [
        'charset source_charset',
        'http server location location-if',
        '1',
        'left out',
        'a charset is not added to Content-Type yet',
      ],
      [
        'override_charset',
        'http server location location-if',
        'flag',
        'left out',
        'a charset is not added to Content-Type yet',
      ],
      ['charset_types', 'http server location', '1+', 'left out', 'a charset is not added to Content-Type yet'],
      ['charset_map', 'http', '2 {}', 'left out', 'a charset is not added to Content-Type yet'],
    ],
  },
  {
    module: 'ngx_http_dav_module',
    rows: [
      ['dav_methods', 'http server location', '1+', 'left out', 'files are not served yet'],
      ['create_full_put_path', 'http server location', 'flag', 'left out', 'files are not served yet'],
      ['min_delete_depth', 'http server location', '1', 'left out', 'files are not served yet'],
      ['dav_access', 'http server location', '1-3', 'left out', 'files are not served yet'],
    ],
  },
  {
    module: 'ngx_http_degradation_module',
    rows: [
      ['degradation', 'http', '1', 'left out', 'files are not served yet'],
      ['degrade', 'http server location', '1', 'left out', 'files are not served yet'],
    ],
  },
  {
    module: 'ngx_http_empty_gif_module',
    rows: [['empty_gif', 'location', '0', 'left out', 'files are not served yet']],
  },
  {
    module: 'ngx_http_flv_module',
    rows: [['flv', 'location', '0', 'left out', 'files are not served yet']],
  },
  {
    module: 'ngx_http_geoip_module',
    rows: [
      ['geoip_country geoip_org geoip_city', 'http', '1-2', 'not yet', 'there is no such module'],
      ['geoip_proxy', 'http', '1', 'not yet', 'there is no such module'],
      ['geoip_proxy_recursive', 'http', 'flag', 'not yet', 'there is no such module'],
    ],
  },
  {
    module: 'ngx_http_gunzip_filter_module',
    rows: [
      ['gunzip', 'http server location', 'flag', 'left out', 'compression is not there yet'],
      ['gunzip_buffers', 'http server location', '2', 'left out', 'compression is not there yet'],
    ],
  },
  {
    module: 'ngx_http_gzip_static_module',
    rows: [['gzip_static', 'http server location', '1', 'left out', 'compression is not there yet']],
  },
  {
    module: 'ngx_http_image_filter_module',
    rows: [
      ['image_filter', 'location', '1-3', 'not yet', 'bodies are passed on as they are'],
      [
        'image_filter_jpeg_quality image_filter_webp_quality image_filter_sharpen image_filter_buffer',
        'http server location',
        '1',
        'not yet',
        'bodies are passed on as they are',
      ],
      [
        'image_filter_transparency image_filter_interlace',
        'http server location',
        'flag',
        'not yet',
        'bodies are passed on as they are',
      ],
    ],
  },
  {
    module: 'ngx_http_index_module',
    rows: [
      [
        'index',
        'http server location',
        '1+',
        'left out',
        'files are not served yet: what would be answered from files is 404',
      ],
    ],
  },
  {
    module: 'ngx_http_mirror_module',
    rows: [
      [
        'mirror',
        'http server location',
        '1',
        'not yet',
        'it copies requests to another server, which is not there yet',
      ],
      ['mirror_request_body', 'http server location', 'flag', 'no effect', 'without `mirror` it means nothing'],
    ],
  },
  {
    module: 'ngx_http_mp4_module',
    rows: [
      ['mp4', 'location', '0', 'left out', 'files are not served yet'],
      ['mp4_buffer_size mp4_max_buffer_size', 'http server location', '1', 'left out', 'files are not served yet'],
      ['mp4_start_key_frame', 'http server location', 'flag', 'left out', 'files are not served yet'],
    ],
  },
  {
    module: 'ngx_http_random_index_module',
    rows: [['random_index', 'location', 'flag', 'left out', 'files are not served yet']],
  },
  {
    module: 'ngx_http_referer_module',
    rows: [
      ['valid_referers', 'server location', '1+', 'not yet', '**there is nothing like it yet**'],
      [
        'referer_hash_max_size referer_hash_bucket_size',
        'server location',
        '1',
        'no effect',
        'it tunes the inside of nginx',
      ],
    ],
  },
  {
    module: 'ngx_http_secure_link_module',
    rows: [
      [
        'secure_link secure_link_md5 secure_link_secret',
        'http server location',
        '1',
        'not yet',
        '**there is nothing like it yet**',
      ],
    ],
  },
  {
    module: 'ngx_http_slice_filter_module',
    rows: [['slice', 'http server location', '1', 'not yet', 'bodies are passed on as they are']],
  },
  {
    module: 'ngx_http_ssi_filter_module',
    rows: [
      ['ssi', 'http server location location-if', 'flag', 'not yet', 'bodies are passed on as they are'],
      [
        'ssi_silent_errors ssi_ignore_recycled_buffers ssi_last_modified',
        'http server location',
        'flag',
        'not yet',
        'bodies are passed on as they are',
      ],
      [
        'ssi_min_file_chunk ssi_value_length',
        'http server location',
        '1',
        'not yet',
        'bodies are passed on as they are',
      ],
      ['ssi_types', 'http server location', '1+', 'not yet', 'bodies are passed on as they are'],
    ],
  },
  {
    module: 'ngx_http_stub_status_module',
    rows: [['stub_status', 'server location', '0-1', 'not yet', '`evenkeel status` has the numbers']],
  },
  {
    module: 'ngx_http_sub_filter_module',
    rows: [
      ['sub_filter', 'http server location', '2', 'not yet', 'bodies are passed on as they are'],
      ['sub_filter_types', 'http server location', '1+', 'not yet', 'bodies are passed on as they are'],
      [
        'sub_filter_once sub_filter_last_modified',
        'http server location',
        'flag',
        'not yet',
        'bodies are passed on as they are',
      ],
    ],
  },
  {
    module: 'ngx_http_try_files_module',
    rows: [
      [
        'try_files',
        'server location',
        '2+',
        'differs',
        '**files are not served yet**: the last argument counts; `=code`, and `@name` if nothing in front of it could be a file',
      ],
    ],
  },
  {
    module: 'ngx_http_userid_filter_module',
    rows: [
      [
        'userid userid_service userid_name userid_domain userid_path userid_expires userid_p3p userid_mark',
        'http server location',
        '1',
        'not yet',
        'there is no such module',
      ],
      ['userid_flags', 'http server location', '1-3', 'not yet', 'there is no such module'],
    ],
  },
  {
    module: 'ngx_http_xslt_filter_module',
    rows: [
      ['xml_entities', 'http server location', '1', 'not yet', 'bodies are passed on as they are'],
      [
        'xml_external_entities xslt_last_modified',
        'http server location',
        'flag',
        'not yet',
        'bodies are passed on as they are',
      ],
      ['xslt_stylesheet', 'location', '1+', 'not yet', 'bodies are passed on as they are'],
      ['xslt_param xslt_string_param', 'http server location', '2', 'not yet', 'bodies are passed on as they are'],
      ['xslt_types', 'http server location', '1+', 'not yet', 'bodies are passed on as they are'],
    ],
  },
  {
    module: 'ngx_http_perl_module',
    rows: [
      ['perl_modules perl_require', 'http', '1', 'not yet', 'there is no such module'],
      ['perl', 'location limit_except', '1', 'not yet', 'there is no such module'],
      ['perl_set', 'http', '2', 'not yet', 'there is no such module'],
    ],
  },
  {
    module: 'ngx_http_copy_filter_module',
    rows: [
      ['output_buffers', 'http server location', '2', 'no effect', 'it concerns files, or tunes the inside of nginx'],
    ],
  },
];
