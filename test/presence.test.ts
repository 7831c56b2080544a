/** A value by a file of this machine: a page instead of the site for as long as somebody has put the file there. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENGINES, engineSkip, Evenkeel, freePort, get, getUntil } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';

/** What `nginx -f` with this server answers at `/`. */
function nginxFile(port: number, directory: string): string {
  return `
events { }
http {
  server {
    listen 127.0.0.1:${port};
    root ${directory};
    if (-f $document_root/maintenance.on) { return 503; }
    if (!-d ${directory}/open) { return 403; }
    error_page 503 @maintenance;
    location @maintenance { return 200 "back soon"; }
    location / { return 200 "the site"; }
  }
}
`;
}

function yamlFile(port: number, directory: string): string {
  return `
values:
  maintenance: { file: ${directory}/maintenance.on }
  open: { folder: ${directory}/open }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - steps:
          - { if: { value: "{value:maintenance}" }, do: [ { take: { respond: { status: 503, body: back soon } } } ] }
          - { if: { value: "{value:open}", is: "" }, do: [ { take: { respond: { status: 403, body: closed } } } ] }
        respond: { body: the site }
`;
}

for (const engine of ENGINES) {
  for (const [language, write] of Object.entries({ yaml: yamlFile, nginx: nginxFile })) {
    test(`${engine}: ${language}: routes go by files that come and go`, engineSkip(engine), async (t) => {
      const directory = temporaryDirectory(t);
      const port = await freePort();
      const file = join(directory, 'lb.conf');
      writeFileSync(file, write(port, directory));
      mkdirSync(join(directory, 'open'));
      const env = { RUNTIME_DIRECTORY: directory };
      const evenkeel = Evenkeel.spawn(t, ['run', file, '--workers', '2', '--engine', engine], { env });
      await evenkeel.said(/ready: .*\n/);
      const status = async (): Promise<number> => (await get(port)).status;
      const becomes = async (wanted: number): Promise<void> => {
        await getUntil(port, (answer) => answer.status === wanted);
      };
      assert.equal(await status(), 200);

      writeFileSync(join(directory, 'maintenance.on'), '');
      await evenkeel.said(/is 1: \S+maintenance\.on is there/);
      await becomes(503);

      // a folder of that name is no file
      rmSync(join(directory, 'maintenance.on'));
      await becomes(200);
      mkdirSync(join(directory, 'maintenance.on'));
      rmdirSync(join(directory, 'open'));
      await evenkeel.said(/is empty: \S+open is not there/);
      await becomes(403);
      assert.equal(evenkeel.child.exitCode, null);
    });
  }
}
