/** Kernel mode: sessions of real programs that outlive their balancer. Plain connections do so in kernel-mode.test.ts. */
import { test } from 'node:test';
import { assertGoOn } from '../kernel/trial.ts';
import { peerSkip } from '../peers.ts';
import { needsNamespaces } from './virtual-node.ts';

const programs = peerSkip(null, 'sshd', 'ssh', 'ssh-keygen', 'mariadbd', 'mariadb', 'mariadb-install-db').skip;

test(
  'sessions of OpenSSH and MariaDB go on, idle or busy, whoever speaks first, while servers change too',
  { ...needsNamespaces, skip: needsNamespaces.skip || programs },
  (t) => assertGoOn(t, 1),
);
