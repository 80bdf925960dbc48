/** A guest that says what machine it is on, and ends. */
import type { Guest } from '../guest.ts';
import { boot } from './kit/boot.ts';
import { describeDevice } from './kit/describe.ts';

const MEGABYTE = 2 ** 20;

export default function hello(guest: Guest): void {
  const { bus, terminal, words } = boot(guest);
  terminal.printLine('Hello from the guest.');
  terminal.printLine(`Memory: ${guest.ramBytes / MEGABYTE} MB`);
  terminal.printLine(`Arguments: ${words.length === 0 ? 'none' : words.join(' ')}`);
  terminal.printLine(`Devices: ${bus.devices.length}`);
  for (const device of bus.devices) terminal.printLine(`  ${describeDevice(device)}`);
  guest.halt();
}
