/** The servers that sessions are fuzzed against, one a kind of device, each with honest frontends between. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as loopTurn } from 'node:timers/promises';
import { type DeviceOptions, openDevice } from '../../devices/open-device.ts';
import type { Random } from '../../fuzz/random.ts';
import type { SessionSystem } from '../backend/backend-options.ts';
import type { BackendSession } from '../backend/backend-session.ts';
import { nativeSystem } from '../backend/native-system.ts';
import { type ServerEvent, VhostUserServer } from '../backend/server.ts';
import { LocalDevice } from '../queues/local-device.ts';
import type { ServedDevice } from '../queues/queue-runner.ts';
import { WorkerDevice } from '../queues/worker-device.ts';
import { FUZZED_DEVICES, type FuzzedDevice, type Target } from './fuzz-actions.ts';
import { serveHonestly } from './fuzz-honest.ts';
import { isInterrupted, serveInterrupted } from './fuzz-interrupted.ts';
import { RefusalWatch } from './fuzz-refusals.ts';

const DISK_BYTES = 16 * 512;
/** With an address the card offers its configuration space. */
const NET_ADDRESS = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3);
/** A frontend that does not go on is sent away. */
const MESSAGE_TIMEOUT_MS = 200;

/** No session takes so long, at any load of the machine. */
export const SESSION_MS_MAX = 20_000;

/** Which device a session is for. */
export const deviceOf = (session: number): FuzzedDevice => FUZZED_DEVICES[session % FUZZED_DEVICES.length]!;

/** Missing pages would be this process's own to fill, which waits for them. */

/** A server of one device, in a folder of its own. */
export class Served {
  readonly events: ServerEvent[] = [];
  readonly path: string;
  readonly target: Target;
  readonly kind: FuzzedDevice;
  readonly refusals: RefusalWatch;
  private readonly folder: string;
  private readonly server: VhostUserServer;

  private constructor(
    kind: FuzzedDevice,
    folder: string,
    { device, system }: { device: ServedDevice; system: SessionSystem },
  ) {
    this.kind = kind;
    this.folder = folder;
    this.path = join(folder, 'socket');
    this.target = { queueCount: device.queueCount, configBytes: Math.min(device.config.length, 64) };
    this.refusals = new RefusalWatch(device, () => Reflect.get(this.server, 'session') as BackendSession | null);
    this.server = new VhostUserServer({
      path: this.path,
      device,
      messageTimeoutMs: MESSAGE_TIMEOUT_MS,
      system,
      hooks: this.refusals.hooks,
      report: (event) => {
        this.events.push(event);
        if (event.kind === 'refused') this.refusals.see(event);
      },
    });
    this.server.open();
  }

  static async open(kind: FuzzedDevice, system = nativeSystem()): Promise<Served> {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-fuzz-'));
    const image = join(folder, 'disk');
    writeFileSync(image, new Uint8Array(DISK_BYTES));
    const block: DeviceOptions = { kind: 'block', image, queues: 2 };
    const devices: Record<FuzzedDevice, () => ServedDevice | Promise<ServedDevice>> = {
      block: () => new LocalDevice(openDevice(block)),
      net: () => new LocalDevice(openDevice({ kind: 'net', link: { kind: 'loopback' }, mac: NET_ADDRESS })),
      entropy: () => new LocalDevice(openDevice({ kind: 'entropy' })),
      console: () => new LocalDevice(openDevice({ kind: 'console', port: { kind: 'echo' } })),
      'block in threads': () => WorkerDevice.open({ device: block }),
    };
    const served = new Served(kind, folder, { device: await devices[kind](), system });
    // What is opened at first use, and by threads when they start, is there now.
    const unfit = await serveOne(served);
    if (unfit === null) return served;
    await served.close();
    throw new Error(unfit);
  }

  get requests(): number {
    return this.server.stats.reduce((sum, { requests }) => sum + requests, 0);
  }

  /** Ends of connections since the events were emptied. */
  get ends(): number {
    return this.events.filter(({ kind }) => kind === 'disconnected').length;
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.folder, { recursive: true });
  }
}

export async function waitFor(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let turns = 0; !condition(); turns++) {
    if (performance.now() > deadline) return false;
    if (turns < 100) await loopTurn();
    else await delay(1);
  }
  return true;
}

/** Servers, one a kind of device; made when they are needed. */
export class Servers {
  private readonly all = new Map<FuzzedDevice, Served>();
  private readonly system: SessionSystem | undefined;

  constructor(system: SessionSystem | undefined) {
    this.system = system;
  }

  async for(session: number): Promise<Served> {
    const kind = deviceOf(session);
    let served = this.all.get(kind);
    if (served === undefined) {
      served = await Served.open(kind, this.system);
      this.all.set(kind, served);
    }
    return served;
  }

  async openAll(): Promise<readonly Served[]> {
    const all: Served[] = [];
    for (const session of FUZZED_DEVICES.keys()) all.push(await this.for(session));
    return all;
  }

  async close(): Promise<void> {
    for (const served of this.all.values()) await served.close();
  }
}

/** An honest frontend from its connection to its end; what is wrong, or null. */
export const serveOne = (served: Served): Promise<string | null> =>
  serveBy(served, 'honest', () => serveHonestly(served.path, served.kind));

/** One that interrupts its own queues. */
export const interruptOne = (served: Served, random: Random): Promise<string | null> =>
  isInterrupted(served.kind)
    ? serveBy(served, 'interrupted', () => serveInterrupted(served.path, served.kind, random))
    : Promise.resolve(null);

async function serveBy(served: Served, what: string, serve: () => Promise<void>): Promise<string | null> {
  const ended = served.ends;
  try {
    await serve();
  } catch (error) {
    return `the next ${what} frontend of the ${served.kind} device: ${(error as Error).stack}`;
  }
  return (await waitFor(() => served.ends > ended, SESSION_MS_MAX)) ? null : `an ${what} session is not over`;
}
