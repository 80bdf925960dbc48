/** For tests of faults: a thread of its own that touches pages of a file, and sleeps where they are missing. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { closeDescriptor } from './descriptors.ts';
import { whyUnavailable } from './libc.ts';
import { openMemfd } from './memfd.ts';
import { openUserfaultfd } from './userfaultfd.ts';

/** Why a test with a userfaultfd is left out here; false: it is not. */
export function whyNoUserfaultfd(): string | false {
  const unavailable = whyUnavailable();
  if (unavailable !== null) return unavailable;
  try {
    closeDescriptor(openUserfaultfd());
    return false;
  } catch (error) {
    return `needs userfaultfd: ${(error as Error).message}`;
  }
}

export const PAGE = 4096;
export const PAGES = 40;
export const SIZE = PAGES * PAGE;

/** Maps a file, tells where, and answers the first byte of every page it is asked for; who touches, sleeps. */
const TOUCHER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { mapFile } = await import(${JSON.stringify(new URL('./mapping.js', import.meta.url).href)});
  const mapping = mapFile(workerData.file, { offsetBytes: 0, sizeBytes: workerData.sizeBytes });
  const bytes = new Uint8Array(mapping.buffer);
  parentPort.on('message', (page) => {
    if (page >= 0) return parentPort.postMessage(bytes[page * ${PAGE}]);
    mapping.close();
    parentPort.close();
  });
  parentPort.postMessage(mapping.address);
`;

export class Toucher {
  readonly file = openMemfd('faulting', SIZE);
  private readonly worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(TOUCHER)}`), {
    workerData: { file: this.file, sizeBytes: SIZE },
  });

  /** Its next answer. */
  async next(): Promise<number> {
    const [answer] = await once(this.worker, 'message');
    return answer;
  }

  touch(page: number): Promise<number> {
    const answer = this.next();
    this.worker.postMessage(page);
    return answer;
  }

  async end(): Promise<void> {
    const exit = new Promise((resolve) => this.worker.once('exit', resolve));
    this.worker.postMessage(-1);
    await exit;
    closeDescriptor(this.file);
  }
}
