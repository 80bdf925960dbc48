/**
 * A guest with a prompt: looks at devices, memory and sectors, pings, and halts when it is told to. Guest thread.
 *
 *     monitor [IP address of its own]
 *
 * While it waits for a line its network device answers. A command that cannot be done says why; nothing ends the guest
 * but `halt`.
 */
import { driveBlock } from '../../drivers/bus-drivers.ts';
import { SECTOR_SIZE } from '../../formats/block.ts';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_NET } from '../../formats/ids.ts';
import type { Guest } from '../guest.ts';
import { type Booted, boot, fail } from './kit/boot.ts';
import { describeDevice } from './kit/describe.ts';
import { hexDump } from './kit/hex-dump.ts';
import { LineEditor } from './kit/line-editor.ts';
import { findNeighbour, ping } from './kit/net-jobs.ts';
import { NetPort } from './kit/net-port.ts';
import { OneRequest } from './kit/one-request.ts';
import { OptionError, wholeNumber } from './kit/options.ts';
import { waitForAny } from './kit/wait.ts';
import { formatIp, parseIp } from './net/ipv4.ts';

const PROMPT = 'monitor> ';
const WAIT_MS = 60_000;
const SECTORS_MAX = 8;
const DUMP_BYTES_MAX = 4096;
const PINGS = 4;
const ASKS = 3;

interface Session extends Booted {
  readonly guest: Guest;
  readonly disk: OneRequest | null;
  readonly net: NetPort | null;
}

interface Command {
  readonly usage: string;
  readonly help: string;
  /** Words that it takes at least and at most; `write` takes the rest as one text. */
  readonly words: readonly [number, number];
  run(session: Session, words: readonly string[]): void;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  devices: {
    usage: 'devices',
    help: 'what is on the bus',
    words: [0, 0],
    run: ({ bus, terminal }) => {
      for (const device of bus.devices) terminal.printLine(describeDevice(device));
    },
  },
  hexdump: {
    usage: 'hexdump ADDR LEN',
    help: 'physical memory',
    words: [2, 2],
    run: ({ bus, terminal }, [address, length]) => {
      const { u8 } = bus.region;
      const start = wholeNumber('an address', address, { min: 0, max: u8.length - 1 });
      const most = Math.min(DUMP_BYTES_MAX, u8.length - start);
      const bytes = wholeNumber('a length', length, { min: 1, max: most });
      for (const row of hexDump(u8, start, bytes)) terminal.printLine(row);
    },
  },
  read: {
    usage: 'read SECTOR [COUNT]',
    help: 'sectors of the first disk',
    words: [1, 2],
    run: (session, [sectorWord, countWord = '1']) => {
      const { sector, disk } = placeOn(session, sectorWord);
      const left = disk.driver.disk.capacitySectors - sector;
      const count = wholeNumber('a count', countWord, { min: 1, max: Math.min(SECTORS_MAX, left) });
      const bytes = disk.read(sector, count * SECTOR_SIZE);
      for (const row of hexDump(bytes, 0, bytes.length, sector * SECTOR_SIZE)) session.terminal.printLine(row);
    },
  },
  write: {
    usage: 'write SECTOR TEXT',
    help: 'a sector of the first disk: the text, then zeroes',
    words: [2, Infinity],
    run: (session, [sectorWord, ...text]) => {
      const { sector, disk } = placeOn(session, sectorWord);
      const bytes = new Uint8Array(SECTOR_SIZE);
      const { read } = new TextEncoder().encodeInto(text.join(' '), bytes);
      disk.write(sector, bytes);
      session.terminal.printLine(`wrote ${read} characters to sector ${sector}`);
    },
  },
  ping: {
    usage: 'ping IP',
    help: `${PINGS} echoes`,
    words: [1, 1],
    run: ({ net, terminal }, [word = '']) => {
      if (net === null) throw new OptionError('there is no network device');
      const address = parseIp(word);
      if (address === null) throw new OptionError(`an address is four numbers to 255, not ${word}`);
      findNeighbour(net, address, ASKS);
      const { sent, received, meanMs } = ping(net, address, PINGS);
      terminal.printLine(`${received} of ${sent} answered, ${meanMs.toFixed(3)} ms`);
    },
  },
  halt: { usage: 'halt', help: 'the end', words: [0, 0], run: ({ guest }) => guest.halt() },
  help: {
    usage: 'help',
    help: 'this',
    words: [0, 0],
    run: ({ terminal }) => {
      for (const { usage, help } of Object.values(COMMANDS)) terminal.printLine(`  ${usage.padEnd(20)} ${help}`);
    },
  },
};

/** @throws OptionError */
function placeOn({ disk }: Session, word: string | undefined): { disk: OneRequest; sector: number } {
  if (disk === null) throw new OptionError('there is no disk');
  const sector = wholeNumber('a sector', word, { min: 0, max: disk.driver.disk.capacitySectors - 1 });
  return { disk, sector };
}

export default function monitor(guest: Guest): void {
  const booted = boot(guest);
  try {
    serve(open(guest, booted));
  } catch (error) {
    fail(guest, booted.terminal, 'monitor', error);
  }
}

/** @throws BusError, RangeError, OptionError */
function open(guest: Guest, booted: Booted): Session {
  const { bus, ram, words } = booted;
  const [block] = bus.devicesOf(VIRTIO_ID_BLOCK);
  const [device] = bus.devicesOf(VIRTIO_ID_NET);
  const address = words[0] === undefined ? null : parseIp(words[0]);
  if (words.length > 1 || (words.length === 1 && address === null))
    throw new OptionError(`it takes an address of four numbers to 255, not ${words.join(' ')}`);
  const slotBytes = SECTORS_MAX * SECTOR_SIZE;
  return {
    ...booted,
    guest,
    disk: block === undefined ? null : new OneRequest(guest, driveBlock(block, ram, { depth: 1, slotBytes })),
    net: device === undefined ? null : new NetPort(guest, device, ram, address),
  };
}

/** For ever. */
function serve(session: Session): void {
  const { guest, terminal, net } = session;
  const editor = new LineEditor((text) => terminal.print(text));
  const sources = net === null ? [terminal.input] : [terminal.input, net.input];
  if (net !== null) terminal.printLine(`Address ${formatIp(net.stack.address)}`);
  terminal.print(PROMPT);
  for (;;) {
    const text = terminal.read();
    editor.feed(text);
    for (let line = editor.next(); line !== null; line = editor.next()) {
      act(session, line);
      terminal.print(PROMPT);
    }
    const frames = net?.poll() ?? 0;
    if (text === '' && frames === 0) waitForAny(guest, sources, WAIT_MS);
  }
}

function act(session: Session, line: string): void {
  const [name = '', ...words] = line.split(' ').filter((word) => word !== '');
  if (name === '') return;
  try {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw new OptionError(`no command ${name}: try help`);
    const [least, most] = command.words;
    if (words.length < least || words.length > most) throw new OptionError(`usage: ${command.usage}`);
    command.run(session, words);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    session.terminal.printLine(error.message);
  }
}
