/** Where clients come to this proxy over TCP, and operators to its keeper: no server that a request may name (`server-by`), for it would come back again and again. */
import { type Address, addressText } from '../base/address.ts';
import type { Plan } from '../config/plan/plan.ts';
import { OwnAddresses } from '../core/own-addresses.ts';

/** A client may name a new address with each request, and the machine is not looked at for each. */
const MACHINE_MS = 1000;

export class OwnListeners {
  private readonly own = new OwnAddresses();
  private readonly readMachine: () => readonly string[];
  private text = '';
  private machine: readonly string[] = [];
  private machineAt = -Infinity;

  /** `readMachine`: all addresses of this machine, without ports. */
  constructor(readMachine: () => readonly string[]) {
    this.readMachine = readMachine;
  }

  /** True: others than before. */
  configure({ listeners, admin }: Pick<Plan, 'listeners' | 'admin'>): boolean {
    const binds = listeners.flatMap((each) => each.binds);
    const served = binds.filter(({ isUdp }) => !isUdp).map(({ address }) => address);
    const addresses = admin === null ? served : [...served, admin];
    const text = addresses.map(addressText).sort().join();
    if (text === this.text) return false;
    this.text = text;
    this.own.configure(addresses);
    return true;
  }

  hasPort(port: number): boolean {
    return this.own.hasPort(port);
  }

  /** A connection to this address would come to one of them. */
  has(address: Address, now: number): boolean {
    return this.own.takes(address, () => {
      if (now - this.machineAt >= MACHINE_MS) {
        this.machineAt = now;
        this.machine = this.readMachine();
      }
      return this.machine;
    });
  }
}
