/** How the whole of one evenkeel stands: what `evenkeel status --json` prints. */
import * as z from 'zod';
import { announce } from './announcements.ts';
import { tls } from './certificates.ts';
import { answer, listener, override, proxy, upstream } from './data-plane.ts';
import { pairNode } from './nodes.ts';
import { ending } from './traffic.ts';
import { flag, count, milliseconds, named, number, text, time, type View } from './shapes.ts';
import { ha } from './virtual-routers.ts';

const link = named('PeerLink', 'The link to another node.', {
  name: text('Of the node.'),
  address: text('Where it is.'),
  isUp: flag('Now.'),
  since: time('That has been so since.'),
  reason: text('Why it is not up.'),
  version: text('Of its program, as it said last. Null: it never did.').nullable(),
});
export type LinkView = View<typeof link>;

export const peers = named('Peers', 'The links of this node to others.', {
  node: text('This one.'),
  fingerprint: text('Null: it has no key.').nullable(),
  problem: text('What is wrong on this side; null: nothing.').nullable(),
  peers: z.array(link),
  nodes: z.array(pairNode).describe('What each of the others has said of itself last.').exactOptional(),
});
export type PeersStatus = View<typeof peers>;

const fixed = named('FixedSettings', 'What a reload does not change.', {
  user: text('What `user` is in the file. Null: it is not there.').nullable(),
  node: text(
    'What this node is called. Null: it has no virtual routers, or the command line says what it is called.',
  ).nullable(),
  workersMax: count(
    'The most that `workers` may be. Null: it does not matter, for the command line says how many there are.',
  ).nullable(),
});
export type FixedSettings = View<typeof fixed>;

const setByApi = named('SetByApi', 'The configuration is none of the files, for it was set by the API.', {
  by: text('Who has set it; null: they did not say.').nullable(),
  at: time('When.'),
  rollbackInMs: milliseconds(
    'The one before comes back in so long, unless this one is confirmed. Null: it stays.',
  ).nullable(),
});

export const configurationSummary = named('ConfigurationSummary', 'Which configuration runs.', {
  file: text('Null: it came from standard input.').nullable(),
  digest: text("The beginning of the text's SHA-256, by which two nodes can be compared."),
  isChanged: flag(
    'What the file says now is not what was loaded, or not what it said when another one was set by the API. Null: it cannot be read.',
  ).nullable(),
  setByApi: setByApi.nullable().describe('Null: it is that of the files.'),
  ageMs: milliseconds('How long it has held.').exactOptional(),
  applied: count('How many have been applied since the start, by reload or API, the first one aside.').exactOptional(),
  refused: count('How many could not be, and nothing has changed.').exactOptional(),
  isRefused: flag('The last one that was to be applied was refused.').exactOptional(),
  fixed,
});
export type ConfigurationView = View<typeof configurationSummary>;

const processFigures = named('ProcessFigures', 'What a process of evenkeel uses.', {
  name: text('`keeper`, `proxy 0` and so on.'),
  pid: count('Its own.'),
  cpuSeconds: number('Since it was started, in user mode and in the kernel.'),
  residentBytes: count('Of memory; what processes share counts in each of them.'),
  descriptors: count('That are open. Null: the system does not tell.').nullable(),
});
export type ProcessView = View<typeof processFigures>;

/** Of the node as a whole, without its parts. */
const NODE_SHAPE = {
  version: text('Of the program.'),
  pid: count('Of the keeper.'),
  isStopping: flag('It finishes what is in flight, and takes no orders.'),
  uptimeMs: milliseconds('Of the keeper.'),
  at: time('When this was made.'),
  configuration: configurationSummary,
  problems: z.array(z.string()).describe('What is less than it should be, though everything may serve; with remedies.'),
  unstored: z
    .array(z.string())
    .describe(
      'Orders, and a configuration, that a restart will forget, because they could not be written down; each with the reason.',
    ),
};

export const node = named('Node', 'This node, without its parts.', NODE_SHAPE);
export type NodeView = View<typeof node>;

const DATA_PLANE_SHAPE = {
  proxies: z.array(proxy),
  listeners: z.array(listener),
  upstreams: z.array(upstream),
  overrides: z.array(override).describe('What has been said by hand, and who said it.'),
  answers: z
    .array(answer)
    .describe('Answers that the proxies gave by themselves because something was wrong; only kinds that there were.'),
  sessionEndings: z.array(ending).describe('Of sessions of TCP and UDP; only those that there were.').exactOptional(),
  endings: z.array(ending).describe('Of requests; only those that there were.').exactOptional(),
};

const dataPlane = z.object(DATA_PLANE_SHAPE);
export type DataPlaneStatus = View<typeof dataPlane>;

export const status = named('Status', 'Everything of this node at once.', {
  format: z.literal(1).describe('Of this shape: another one if a reader of this one could misread it.'),
  ...NODE_SHAPE,
  ha: ha.nullable().describe('Null: the configuration has no `ha`.'),
  announce: announce.nullable().exactOptional().describe('Null: the configuration has no `announce`.'),
  tls: tls.nullable().describe('Null: no listener has TLS.'),
  peers: peers.nullable().describe('Null: there are no peers.'),
  ...DATA_PLANE_SHAPE,
  processes: z.array(processFigures).describe('None where the system does not tell.').exactOptional(),
});
export type StatusDocument = View<typeof status>;
