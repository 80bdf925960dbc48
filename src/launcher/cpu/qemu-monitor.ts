/**
 * Why QEMU ended, over its machine protocol: its exit code is 0 for a guest that powers off and for one that crashes into
 * a reset. QEMU connects to a socket of ours. Launcher's main thread.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** What QEMU sent last comes within this time of its end. */
const LAST_WORD_MS = 10_000;

/** Of one line of the protocol: why the machine goes down; null: it is about something else. Pure. */
export function shutdownReason(line: string): string | null {
  try {
    const message = JSON.parse(line) as { event?: unknown; data?: { reason?: unknown } } | null;
    const reason = message?.event === 'SHUTDOWN' ? message.data?.reason : null;
    return typeof reason === 'string' ? reason : null;
  } catch {
    return null;
  }
}

export class QemuMonitor {
  private readonly server: Server;
  private socket: Socket | null = null;
  private reason: string | null = null;
  private gone: Promise<void> = Promise.resolve();

  private constructor() {
    this.server = createServer((socket) => {
      // One QEMU, one connection.
      this.server.close();
      this.socket = socket;
      this.gone = new Promise((resolve) => socket.on('close', () => resolve()));
      const lines = createInterface({ input: socket }).on('line', (line) => {
        this.reason ??= shutdownReason(line);
      });
      // QEMU may go without reading what was written; the lines fail with their input.
      for (const failing of [socket, lines]) failing.on('error', () => {});
      // Events come only behind this.
      socket.write('{"execute":"qmp_capabilities"}\n');
    });
  }

  /** Listens at `path` from now on. @throws Error */
  static async open(path: string): Promise<QemuMonitor> {
    const monitor = new QemuMonitor();
    await new Promise<void>((resolve, reject) => {
      monitor.server.on('error', reject);
      monitor.server.listen(path, resolve);
    });
    return monitor;
  }

  /** When QEMU has ended: why, as `guest-shutdown`, `guest-reset`; null: it did not say. */
  async lastWord(): Promise<string | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_WORD_MS);
    });
    await Promise.race([this.gone, late]);
    clearTimeout(timer);
    return this.reason;
  }

  close(): void {
    this.server.close();
    this.socket?.destroy();
  }
}
