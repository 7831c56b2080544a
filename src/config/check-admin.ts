/** The `admin` part: whoever may replace what runs comes from this machine, or through something that knows them. */
import { isLoopback } from '../base/address.ts';
import { parseBind } from './addresses.ts';
import { show } from './diagnostic.ts';
import type { Config, Loose } from './model.ts';
import type { Report } from './report.ts';

export function checkAdmin(admin: Loose<Config>['admin'], report: Report): void {
  const bind = parseBind(admin?.bind ?? '').value;
  if (bind === null || isLoopback(bind.address)) return;
  const value = show(admin!.bind!);
  const fix =
    bind.address.family === 0
      ? 'write an address such as "127.0.0.1:9900": there is a Unix socket already, see `--socket`'
      : `write "127.0.0.1:${bind.address.port}", and come from elsewhere by \`ssh -L ${bind.address.port}:127.0.0.1:${bind.address.port}\``;
  report.atValue(['admin', 'bind'], 'admin-not-loopback', { value, fix });
}
