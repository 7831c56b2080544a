/** What clients get while the site is closed by hand. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { bodyTemplate, duration, headerValue, integer, key, network } from './scalars.ts';

export const Maintenance = z.strictObject({
  body: key(
    bodyTemplate,
    'The page. Values of the request may stand in it; they are escaped as `content-type` asks.',
    DEFAULTS.maintenance.body,
  ),
  'content-type': key(headerValue, 'Of the page.', DEFAULTS.route.respond.contentType),
  status: key(integer(200, 599), 'The status code.', DEFAULTS.maintenance.status),
  'retry-after': key(duration('1s', '576h'), 'When clients are told to come again (Retry-After).'),
  allow: key(z.array(network).min(1), 'Clients in these networks are served as ever.'),
});

export type MaintenanceConfig = z.infer<typeof Maintenance>;
