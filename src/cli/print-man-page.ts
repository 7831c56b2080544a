/** Prints evenkeel(8): for packages, which have it as a file. */
import { createCli } from './cli.ts';
import { manPage } from './command-reference.ts';
import { commandTree } from './command-tree.ts';
import { readVersion } from './version.ts';

const nothing = (): never => {
  throw new Error('nothing is run here');
};
const context = { out: nothing, err: nothing, exit: nothing, commands: new Proxy({}, { get: nothing }) as never };
const version = readVersion();
process.stdout.write(manPage(commandTree(createCli(version, context)), version));
