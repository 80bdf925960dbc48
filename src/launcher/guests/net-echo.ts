/**
 * A guest on the network: answers ARP, ICMP echo and UDP echo on port 7, or asks another for them.
 *
 *     net-echo [--net N] [--seconds N] [--address A.B.C.D] [serve | ping IP COUNT | udp IP MIB]
 *
 * `serve` is what it does without a word: for ever, or so long after the last frame. `ping` and `udp` end with a
 * reason if anything is lost or changed. Without an address of its own it has 10.x.y.z, out of its MAC address.
 */
import { VIRTIO_ID_NET } from '../../formats/ids.ts';
import type { Guest } from '../guest.ts';
import { boot, fail } from './kit/boot.ts';
import { echoDatagrams, findNeighbour, ping } from './kit/net-jobs.ts';
import { NetPort } from './kit/net-port.ts';
import { OptionError, parseOptions, wholeNumber } from './kit/options.ts';
import type { Terminal } from './kit/terminal.ts';
import { formatMac } from './net/ethernet.ts';
import { formatIp, parseIp } from './net/ipv4.ts';

const OPTIONS = {
  net: { initial: 0, min: 0, max: 255 },
  /** 0: for ever. */
  seconds: { initial: 0, min: 0, max: 86_400 },
} as const;
const WAIT_MS = 60_000;
/** The other may be started after this one. */
const ASKS = 30;
const MEBIBYTE = 2 ** 20;

interface Job {
  readonly port: NetPort;
  readonly terminal: Terminal;
  readonly words: readonly string[];
  readonly seconds: number;
}

/** What it can do, and how many words each takes. */
const JOBS: Readonly<Record<string, { words: number; run(job: Job): void }>> = {
  serve: { words: 0, run: serve },
  ping: { words: 2, run: runPing },
  udp: { words: 2, run: runUdp },
};

export default function netEcho(guest: Guest): void {
  const { bus, ram, terminal, words } = boot(guest);
  try {
    const { address, others } = takeAddress(words);
    const { values, rest } = parseOptions(others, OPTIONS);
    const [name = 'serve', ...jobWords] = rest;
    const job = JOBS[name];
    if (job === undefined || job.words !== jobWords.length)
      throw new OptionError(`serve, ping IP COUNT or udp IP MIB, not ${rest.join(' ')}`);
    const device = bus.devicesOf(VIRTIO_ID_NET)[values.net];
    if (device === undefined) throw new OptionError(`there is no network device ${values.net}`);
    const port = new NetPort(guest, device, ram, address);
    terminal.printLine(`Address ${formatIp(port.stack.address)}, MAC ${formatMac(port.stack.mac)}`);
    job.run({ port, terminal, words: jobWords, seconds: values.seconds });
  } catch (error) {
    fail(guest, terminal, 'net-echo', error);
  }
  guest.halt();
}

/** @throws OptionError */
function takeAddress(words: readonly string[]): { address: number | null; others: string[] } {
  const at = words.indexOf('--address');
  if (at === -1) return { address: null, others: [...words] };
  return { address: ipOf(words[at + 1] ?? ''), others: words.toSpliced(at, 2) };
}

/** @throws OptionError */
function ipOf(text: string): number {
  const address = parseIp(text);
  if (address === null) throw new OptionError(`an address is four numbers to 255, not ${text}`);
  return address;
}

function serve({ port, terminal, seconds }: Job): void {
  const { stack } = port;
  for (;;) {
    const came = port.poll() > 0 || port.wait(seconds === 0 ? WAIT_MS : 1000 * seconds);
    if (!came && seconds > 0) break;
  }
  const { arpAnswers, echoAnswers, datagramAnswers, dropped, lost } = stack;
  terminal.printLine(`Answered ${arpAnswers} ARP, ${echoAnswers} pings, ${datagramAnswers} datagrams`);
  terminal.printLine(`Dropped ${dropped}, lost ${lost}`);
}

function runPing({ port, terminal, words }: Job): void {
  const count = wholeNumber('the number of pings', words[1], { min: 1, max: 10_000_000 });
  const address = ipOf(words[0]!);
  findNeighbour(port, address, ASKS);
  const { received, minMs, meanMs, maxMs } = ping(port, address, count);
  const times = [minMs, meanMs, maxMs].map((ms) => ms.toFixed(3)).join('/');
  terminal.printLine(`${count} pings sent, ${received} answered, ${count - received} lost`);
  terminal.printLine(`Round trips min/mean/max ${times} ms`);
  if (received !== count) throw new Error(`${count - received} of ${count} pings were lost`);
}

function runUdp({ port, terminal, words }: Job): void {
  const mebibytes = wholeNumber('MiB', words[1], { min: 1, max: 1024 });
  const address = ipOf(words[0]!);
  findNeighbour(port, address, ASKS);
  const start = performance.now();
  const count = echoDatagrams(port, address, mebibytes * MEBIBYTE);
  const rate = (mebibytes * MEBIBYTE) / 1e6 / ((performance.now() - start) / 1000);
  terminal.printLine(`${count} datagrams, ${mebibytes} MiB, came back unchanged, ${rate.toFixed(1)} MB/s each way`);
}
