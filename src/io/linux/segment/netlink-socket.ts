/**
 * The netlink sockets: one kind asks and changes, and has its answer when the call returns; the other one hears of every
 * change that anybody makes to links and addresses, and of the end of this program's routes.
 */
import { closeSync } from 'node:fs';
import * as libc from '../libc.ts';
import {
  netlinkMessages,
  type NetlinkMessage,
  NLM_F_DUMP,
  NLMSG_DONE,
  NLMSG_ERROR,
  NetlinkWriter,
  numberMessages,
  portions,
} from './netlink-message.ts';
import { removalFilter } from './removal-filter.ts';
import { AF_NETLINK, EAGAIN, EINTR, ENOBUFS, receive, receiveFrom, send, SOCK_NONBLOCK, SOCK_RAW } from './system.ts';
import { attachFilter } from '../socket-filter.ts';
import { MSG_DONTWAIT } from '../socket-messages.ts';

const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_GET_STRICT_CHK = 12;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;

const GROUP_LINK = 0x1;
const GROUP_IPV4_ADDRESS = 0x10;
const GROUP_IPV6_ADDRESS = 0x100;
/** By their numbers: IPv4's and IPv6's routes, and rules (RTNLGRP_*). */
const GROUPS_OF_ROUTES = [7, 11, 8, 19];

/** The kernel makes messages of a dump up to 32 KiB, and no other one is as long. */
const BUFFER_BYTES = 64 * 1024;
/** Notifications wait here while the loop does something else; on a machine with many links there are many. */
const MONITOR_BUFFER_BYTES = 1024 * 1024;

/** Of twice that the kernel takes what fits, and it is only allocated for what is sent. */
const TRANSACTION_BYTES_MAX = 32 * 1024 * 1024;

/** Sent together: their errors, 768 bytes of a queue of 208 KiB each, are read before more are sent. */
const PORTION_MESSAGES = 100;

const SEQUENCE_MAX = 2 ** 31;

export type MessageHandler = (bytes: Uint8Array, message: NetlinkMessage) => void;

export class NetlinkRequests {
  private readonly descriptor: number;
  private readonly bytes = new Uint8Array(BUFFER_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private sequence = 1;
  /** What is sent together is done as a whole or not at all, and cannot be divided. */
  private readonly isTransactional: boolean;

  constructor(protocol = NETLINK_ROUTE) {
    this.isTransactional = protocol === NETLINK_NETFILTER;
    this.descriptor = openNetlink(protocol, 0, 0);
    // A transaction with all that a table has is megabytes.
    if (this.isTransactional) libc.setOption(this.descriptor, libc.SOL_SOCKET, SO_SNDBUFFORCE, TRANSACTION_BYTES_MAX);
    // An error that quotes 255 addresses back is of no use.
    libc.setOption(this.descriptor, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    // A question for the routes of one link is not answered with all there are (Linux 4.20).
    libc.setOption(this.descriptor, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  }

  /**
   * Has the kernel do all messages, each on its own. Calls `handleError` for those that failed, with their index and the
   * negative errno; returns how many failed.
   */
  change(messages: Uint8Array, handleError: (index: number, error: number) => void = () => undefined): number {
    if (messages.length === 0) return 0;
    const first = this.sequence;
    const next = numberMessages(messages, first);
    this.sequence = next < SEQUENCE_MAX ? next : 1;
    let failures = 0;
    for (const portion of this.isTransactional ? [messages] : portions(messages, PORTION_MESSAGES)) {
      const sent = send(this.descriptor, portion);
      if (sent < 0) {
        handleError(0, sent);
        return failures + 1;
      }
      this.readAvailable((bytes, message) => {
        if (message.type !== NLMSG_ERROR || message.sequence < first || message.sequence >= next) return;
        const error = new DataView(bytes.buffer).getInt32(message.start, true);
        if (error === 0) return;
        failures++;
        handleError(message.sequence - first, error);
      });
    }
    return failures;
  }

  /** Asks a question whose answer is one message, or an error, which is none. */
  ask(request: Uint8Array, handle: MessageHandler): void {
    const { sequence } = this;
    this.sequence = numberMessages(request, sequence);
    if (send(this.descriptor, request) < 0) return;
    this.readAvailable((bytes, message) => {
      if (message.type !== NLMSG_ERROR && message.sequence === sequence) handle(bytes, message);
    });
  }

  /** Asks a question whose answer is many messages. False: the answer was torn by a change; ask again. */
  dump(write: (writer: NetlinkWriter, flags: number) => void, handle: MessageHandler): boolean {
    const portions = this.dumpInPortions(write, handle);
    for (;;) {
      const { done, value } = portions.next();
      if (done === true) return value;
    }
  }

  /** The same, a buffer at each step. Nothing else may be asked by this socket until it is over. */
  *dumpInPortions(
    write: (writer: NetlinkWriter, flags: number) => void,
    handle: MessageHandler,
  ): Generator<undefined, boolean> {
    const writer = new NetlinkWriter();
    write(writer, NLM_F_DUMP);
    const request = writer.finished();
    const { sequence } = this;
    this.sequence = numberMessages(request, sequence);
    const sent = send(this.descriptor, request);
    if (sent < 0) throw new Error(`rtnetlink: ${libc.errorName(sent)}`);
    let isWhole = true;
    for (;;) {
      const length = receive(this.descriptor, this.bytes);
      if (length === EINTR) continue;
      if (length < 0) throw new Error(`rtnetlink: ${libc.errorName(length)}`);
      for (const message of netlinkMessages(this.view, length)) {
        if (message.sequence !== sequence) continue;
        isWhole &&= !message.isTorn;
        if (message.type === NLMSG_DONE) return isWhole;
        if (message.type === NLMSG_ERROR) return false;
        handle(this.bytes, message);
      }
      yield;
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** What the kernel did was done, and answered, before `send` returned. */
  private readAvailable(handle: MessageHandler): void {
    for (;;) {
      const length = receive(this.descriptor, this.bytes, MSG_DONTWAIT);
      if (length === EINTR) continue;
      if (length < 0) return;
      for (const message of netlinkMessages(this.view, length)) handle(this.bytes, message);
    }
  }
}

export class NetlinkMonitor {
  readonly descriptor: number;
  private readonly bytes = new Uint8Array(BUFFER_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private readonly sender = new Uint8Array(12);
  private hasRoutes = false;

  constructor() {
    this.descriptor = openNetlink(NETLINK_ROUTE, GROUP_LINK | GROUP_IPV4_ADDRESS | GROUP_IPV6_ADDRESS, SOCK_NONBLOCK);
    libc.setOption(this.descriptor, libc.SOL_SOCKET, SO_RCVBUF, MONITOR_BUFFER_BYTES);
  }

  /** Of the routes of others, of which there may be millions that change all the time, nothing is heard. */
  watchOwnRoutes(): void {
    if (this.hasRoutes) return;
    this.hasRoutes = true;
    // Without the filter it would be worse than to hear nothing: then routes are looked at when something else changes.
    if (attachFilter(this.descriptor, removalFilter()) < 0) return;
    for (const group of GROUPS_OF_ROUTES) libc.setOption(this.descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  /** Reads everything that waits. False: something was lost, and only asking again can tell what. */
  drain(handle: MessageHandler): boolean {
    let isComplete = true;
    for (;;) {
      const length = receiveFrom(this.descriptor, this.bytes, this.sender);
      if (length === EINTR) continue;
      if (length === ENOBUFS) {
        isComplete = false;
        continue;
      }
      if (length === EAGAIN || length < 0) return isComplete;
      // Any process may send to any other over netlink; only the kernel's own messages have this sender.
      if (new DataView(this.sender.buffer).getUint32(4, true) !== 0) continue;
      for (const message of netlinkMessages(this.view, length)) handle(this.bytes, message);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

function openNetlink(protocol: number, groups: number, flags: number): number {
  const descriptor = libc.socket(AF_NETLINK, SOCK_RAW | flags, protocol);
  if (descriptor < 0) throw new Error(`cannot open a netlink socket: ${libc.errorName(descriptor)}`);
  const name = new Uint8Array(12);
  const view = new DataView(name.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, groups, true);
  const bound = libc.bind(descriptor, name);
  if (bound < 0) throw new Error(`cannot bind a netlink socket: ${libc.errorName(bound)}`);
  return descriptor;
}
