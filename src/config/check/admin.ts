/** The `admin` part: whoever may replace what runs comes from this machine, or through something that knows them. */
import { isLoopback } from '../../base/address.ts';
import { parseBind } from '../words/addresses.ts';
import { show } from '../findings/diagnostic.ts';
import type { Config, Loose } from '../model/config.ts';
import { entriesOf } from '../model/parts.ts';
import type { BindPlan } from '../plan/listener.ts';
import type { Report } from './report.ts';
import { isAt, serverPlacesOf } from './server-places.ts';

export function checkAdmin(document: Loose<Config>, report: Report): void {
  const written = document.admin?.bind;
  const bind = parseBind(written ?? '').value;
  if (written === undefined || bind === null) return;
  if (isLoopback(bind.address)) return checkServers(document, bind, report);
  const { family, port } = bind.address;
  if (family !== 0 && document.admin?.tls !== undefined) return;
  const fix =
    family === 0
      ? 'write an address such as "127.0.0.1:9900": there is a Unix socket already, see `--socket`'
      : `give it \`tls\` with a certificate, or write "127.0.0.1:${port}" and come from elsewhere by \`ssh -L ${port}:127.0.0.1:${port}\``;
  report.atValue(['admin', 'bind'], 'admin-not-loopback', { value: show(written), fix });
}

/** To the admin API the clients of such a server would be programs of this machine. */
function checkServers(document: Loose<Config>, bind: BindPlan, report: Report): void {
  for (const [name] of entriesOf(document.upstreams)) {
    for (const { path, address } of serverPlacesOf(document, name)) {
      if (isAt(bind, address)) report.atValue(path, 'server-is-admin', {});
    }
  }
}
