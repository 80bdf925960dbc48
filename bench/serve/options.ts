/** The command line of `serve`: what kind of device, of what, and how it is served. Main thread. */
import { isIPv4 } from 'node:net';
import type { DeviceOptions } from '../../src/devices/open-device.ts';
import { MTU_MAX, MTU_MIN } from '../../src/formats/net.ts';
import { LINES_MAX } from '../../src/vhost-user/backend/event-log.ts';
import { HANDSHAKE_TIMEOUT_MS } from '../../src/vhost-user/backend/server.ts';
import { flag, type GivenOptions, type OptionTable, optionLines, readArguments } from '../command-line/option-table.ts';
import { choiceOf, countOf, secondsOf, UsageError } from '../command-line/option-values.ts';
import { allowedCpus, parseCpuList } from '../pair/pinning.ts';

type OptionName =
  | 'socket'
  | 'connect'
  | 'image'
  | 'readonly'
  | 'queues'
  | 'threads'
  | 'cpus'
  | 'loopback'
  | 'tap'
  | 'address'
  | 'mac'
  | 'mtu'
  | 'handshake'
  | 'postcopy'
  | 'poll-us'
  | 'stats';

const QUEUES_MAX = 64;
const HANDSHAKE_DEFAULT = String(HANDSHAKE_TIMEOUT_MS / 1000);
const POLL_US_MAX = 1_000_000;

const SERVE_OPTIONS: OptionTable<OptionName> = {
  socket: { value: 'PATH', summary: 'where to listen; a socket that nobody listens at any more is replaced' },
  connect: flag('connect there instead: the frontend listens'),
  image: {
    value: 'FILE',
    summary: 'blk: the disk, any file; bytes at its end that are no whole sector (512) are left out',
  },
  readonly: flag('blk: the image is opened for reading alone, and the guest told so'),
  queues: { value: 'N', summary: 'blk: request queues', byDefault: '1' },
  threads: flag('blk, rng: a thread for each queue; else one for all'),
  cpus: { value: 'LIST', summary: 'CPUs to run on (0,2 or 0-3); with --threads the queues take them in turn' },
  loopback: flag('net, console: what the guest sends comes back'),
  tap: {
    value: 'NAME',
    summary: 'net: an interface of this machine, made unless it stands already (needs the right to)',
  },
  address: { value: 'A/P', summary: "net: this machine's own address on it, like 192.0.2.1/24; brings it up, too" },
  mac: { value: 'ADDRESS', summary: "net: the guest's address, like 52:54:00:12:34:56 (QEMU has its own: mac=)" },
  mtu: { value: 'N', summary: `net: what the guest is told, ${MTU_MIN} to ${MTU_MAX}` },
  handshake: {
    value: 'S',
    summary: 'seconds within which a frontend says SET_OWNER; a later one gives way to one that waits',
    byDefault: HANDSHAKE_DEFAULT,
  },
  postcopy: flag(
    'offer postcopy migration: the frontend is then trusted with the memory of this process (needs the right to userfaultfd)',
  ),
  'poll-us': { value: 'N', summary: 'look again for so long before waiting for a kick, microseconds', byDefault: '0' },
  stats: { value: 'S', summary: 'what each queue did, at the end; with a number also every S seconds', implied: '0' },
  help: flag('this text; -h too'),
};

interface Kind {
  summary: string;
  /** Options that say something about this kind; those of no kind are everybody's. */
  options: readonly OptionName[];
  /** @throws UsageError naming the argument */
  device(given: GivenOptions<OptionName>): DeviceOptions;
}

const KINDS: Record<'blk' | 'net' | 'rng' | 'console', Kind> = {
  blk: {
    summary: 'a disk in a file or on a block device (--image)',
    options: ['image', 'readonly', 'queues', 'threads'],
    device: (given) => {
      const image = given.get('image');
      if (image === undefined) throw new UsageError('serve blk wants --image FILE');
      const queues = countOf('--queues', given.get('queues') ?? '1', 1, QUEUES_MAX);
      return { kind: 'block', image, readOnly: given.has('readonly'), queues };
    },
  },
  net: {
    summary: 'a network card on an interface of this machine (--tap), or on itself (--loopback)',
    options: ['loopback', 'tap', 'address', 'mac', 'mtu'],
    device: netOptions,
  },
  rng: {
    summary: "entropy from this system's generator",
    options: ['threads'],
    device: () => ({ kind: 'entropy' }),
  },
  console: {
    summary: 'a console on standard input and output, or on itself (--loopback)',
    options: ['loopback'],
    device: (given) => {
      if (given.has('loopback')) return { kind: 'console', port: { kind: 'echo' } };
      const { columns, rows } = process.stdout;
      const size = columns > 0 && rows > 0 ? { size: { cols: columns, rows } } : {};
      return { kind: 'console', port: { kind: 'standard-streams' }, ...size };
    },
  },
};

function isIpv4WithPrefix(text: string): boolean {
  const [address, prefix, ...more] = text.split('/');
  return isIPv4(address!) && /^\d{1,2}$/.test(prefix ?? '') && Number(prefix) <= 32 && more.length === 0;
}

function netOptions(given: GivenOptions<OptionName>): DeviceOptions {
  const name = given.get('tap');
  const address = given.get('address');
  if (name !== undefined && given.has('loopback'))
    throw new UsageError('serve net wants --tap NAME or --loopback, not both');
  if (name === undefined && !given.has('loopback')) throw new UsageError('serve net wants --tap NAME or --loopback');
  if (address !== undefined && name === undefined) throw new UsageError('--address wants --tap, too');
  if (address !== undefined && !isIpv4WithPrefix(address))
    throw new UsageError(`--address wants an address and its prefix like 192.0.2.1/24, not '${address}'`);
  if (name !== undefined && !/^[^\s/]{1,15}$/.test(name))
    throw new UsageError(`--tap wants a name of 1 to 15 characters, not '${name}'`);
  const mac = given.get('mac');
  const mtu = given.get('mtu');
  return {
    kind: 'net',
    link:
      name === undefined ? { kind: 'loopback' } : { kind: 'tap', name, ...(address === undefined ? {} : { address }) },
    ...(mac === undefined ? {} : { mac: macOf(mac) }),
    ...(mtu === undefined ? {} : { mtu: countOf('--mtu', mtu, MTU_MIN, MTU_MAX) }),
  };
}

export interface ServeOptions {
  device: DeviceOptions;
  socket: string;
  connect: boolean;
  threads: boolean;
  handshakeSeconds: number;
  postcopy: boolean;
  /** CPU numbers, or null. */
  cpus: number[] | null;
  pollUs: number;
  /** Null: no figures. 0: at the end alone. */
  statsSeconds: number | null;
}

/** Null: the help was asked for. @throws UsageError naming the argument. */
export function parseServeOptions(args: readonly string[]): ServeOptions | null {
  const { options: given, positionals } = readArguments(SERVE_OPTIONS, args, { positionals: true });
  if (given.has('help')) return null;
  const [name, ...more] = positionals;
  if (name === undefined) throw new UsageError(`serve wants one of ${Object.keys(KINDS).join(', ')}`);
  const kind = KINDS[choiceOf('serve', name, KINDS)];
  if (more.length > 0) throw new UsageError(`unexpected argument '${more[0]}'`);
  const others = new Set(Object.values(KINDS).flatMap(({ options }) => options));
  for (const option of kind.options) others.delete(option);
  for (const option of given.keys())
    if (others.has(option as OptionName)) throw new UsageError(`--${option} is no option of serve ${name}`);
  const socket = given.get('socket');
  if (socket === undefined) throw new UsageError(`serve ${name} wants --socket PATH`);
  if (given.has('postcopy') && given.has('threads'))
    throw new UsageError('serve wants --postcopy or --threads, not both: pages are waited for in one thread');
  const cpus = given.get('cpus');
  const stats = given.get('stats');
  return {
    device: kind.device(given),
    socket,
    connect: given.has('connect'),
    threads: given.has('threads'),
    handshakeSeconds: secondsOf('--handshake', given.get('handshake') ?? HANDSHAKE_DEFAULT),
    postcopy: given.has('postcopy'),
    cpus: cpus === undefined ? null : cpusOf(cpus),
    pollUs: countOf('--poll-us', given.get('poll-us') ?? '0', 0, POLL_US_MAX),
    statsSeconds: stats === undefined ? null : stats === '0' ? 0 : secondsOf('--stats', stats),
  };
}

function cpusOf(text: string): number[] {
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text))
    throw new UsageError(`--cpus wants CPU numbers like 0,2 or 0-3, not '${text}'`);
  const allowed = allowedCpus();
  if (allowed === null) throw new UsageError(`--cpus cannot be had: this system does not tell its CPUs`);
  // Checked piece by piece: a range far beyond is not counted out.
  for (const bound of text.match(/\d+/g)!)
    if (!allowed.includes(Number(bound)))
      throw new UsageError(`--cpus CPU ${bound} is not among those allowed here: ${allowed.join(',')}`);
  return parseCpuList(text);
}

function macOf(text: string): Uint8Array {
  const bytes = /^([\da-f]{2}:){5}[\da-f]{2}$/i.test(text)
    ? text.split(':').map((part) => Number.parseInt(part, 16))
    : [1];
  if ((bytes[0]! & 1) !== 0)
    throw new UsageError(`--mac wants the address of one card like 52:54:00:12:34:56, not '${text}'`);
  return Uint8Array.from(bytes);
}

export function serveHelp(): string {
  const kinds = Object.entries(KINDS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `vringbench serve: a virtio device for a virtual machine, over vhost-user

  npm run serve -- KIND --socket PATH [options]     or: vringbench serve …

${kinds.join('\n')}

Serves one frontend after another (QEMU, or vringbench drive) until Ctrl-C. One that connects
while another is served waits, unanswered, until that is gone; standard error says that it
waits. A message that is begun must be complete within 10 seconds. An image is locked as
QEMU's programs lock theirs: nobody else writes it meanwhile. The guest's memory must be
shared: -object memory-backend-memfd,share=on. Standard output has a line when it listens;
standard error has one for each connection and for what goes wrong; where these are more than
${LINES_MAX} a minute, they are counted. Of a console standard output is the guest's, and all lines go
to standard error. It needs 64-bit Linux and the optional package koffi.

${optionLines(SERVE_OPTIONS)}

Examples
  vringbench serve blk --socket /tmp/blk.sock --image disk.img
  vringbench serve blk --socket /tmp/blk.sock --image disk.img --queues 2 --threads --cpus 0,1 --stats
  vringbench serve net --socket /tmp/net.sock --tap vring0 --address 192.0.2.1/24
  vringbench serve rng --socket /tmp/rng.sock
  vringbench serve console --socket /tmp/console.sock

Exit codes
  0 ended by Ctrl-C, SIGTERM or SIGHUP   1 it failed while serving   2 usage, or it could not start`;
}
