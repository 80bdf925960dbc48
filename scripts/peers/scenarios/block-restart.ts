/**
 * A block backend killed and started again under load: QEMU connects anew, and the guest sees no error and no wrong
 * byte. Three writers verify what they wrote, past the guest's cache, while a reader reads the rest.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectEqual, Failure } from '../failure.ts';
import { startGuest } from '../guest.ts';
import { numberOf } from '../guest-output.ts';
import type { BlockBackend } from '../programs.ts';
import type { Figures, Scenario, Settings } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { slowDisk } from '../slow-disk.ts';
import { blockDevice, MIB } from './block.ts';

const DISK_MIB = 64;
const KILLS = 5;
const WRITERS = 3;
const CHUNK_MIB = 4;
/** More than the second after which QEMU connects again. */
const BETWEEN_KILLS_MS = 1700;
const SLOW_REQUESTS_PER_SECOND = 500;
const ROUND_TIMEOUT_MS = 60_000;
const TIMEOUT_MS = 240_000;

/** Each writer owns a part of the disk; a file that comes to /tmp ends them: the harness types it by the serial port. */
const SCRIPT = `
mismatches() { cat /tmp/bad-* 2>/dev/null | wc -l; }
writer() {
  round=0
  while [ ! -e /tmp/stop ]; do
    dd if=/dev/urandom of=/tmp/chunk-$1 bs=1M count=${CHUNK_MIB}
    dd if=/tmp/chunk-$1 of=/dev/vda bs=64k seek=$(($1 * ${CHUNK_MIB} * 16)) oflag=direct conv=notrunc || echo write >>/tmp/bad-$1
    dd if=/dev/vda of=/tmp/back-$1 bs=128k skip=$(($1 * ${CHUNK_MIB} * 8)) count=$((${CHUNK_MIB} * 8)) iflag=direct || echo read >>/tmp/bad-$1
    cmp /tmp/chunk-$1 /tmp/back-$1 || echo compare >>/tmp/bad-$1
    round=$((round + 1))
    result rounds-$1 $round
  done
}
reader() {
  while [ ! -e /tmp/stop ]; do
    dd if=/dev/vda of=/dev/null bs=1M skip=32 count=32 || echo read >>/tmp/bad-reader
    echo 3 >/proc/sys/vm/drop_caches
  done
}
(read line </dev/ttyS1; touch /tmp/stop) &
for i in ${Array.from({ length: WRITERS }, (_, i) => i).join(' ')}; do writer $i & done
reader &
wait
result mismatches $(mismatches)
`;

const rounds = (results: ReadonlyMap<string, string>) =>
  Array.from({ length: WRITERS }, (_, i) => Number(results.get(`rounds-${i}`) ?? 0));

async function run(scope: Scope, backend: BlockBackend, slow: boolean): Promise<Figures> {
  const socket = scope.path('blk.sock');
  const file = scope.path('disk');
  writeFileSync(file, randomBytes(DISK_MIB * MIB));
  const image = slow ? await slowDisk(scope, file, SLOW_REQUESTS_PER_SECOND) : file;
  let server = await backend.start(scope, { socket, image });
  const devices = blockDevice(socket, ',reconnect=1');
  const guest = startGuest(scope, { devices, script: SCRIPT, timeoutMs: TIMEOUT_MS });
  /** Every writer finishes two more rounds: the second one began after now. */
  const progress = async (when: string) => {
    const before = rounds(guest.results());
    const end = Date.now() + ROUND_TIMEOUT_MS;
    await guest.until(`progress ${when}`, (results) => {
      if (rounds(results).every((count, i) => count >= before[i]! + 2)) return true;
      if (Date.now() > end) throw new Failure(`no progress ${when}: rounds ${rounds(results)}, before ${before}`);
      return false;
    });
  };
  await progress('before the first kill');
  for (let kill = 1; kill <= KILLS; kill++) {
    await server.kill();
    server = await backend.start(scope, { socket, image });
    await progress(`after kill ${kill}`);
    await sleep(BETWEEN_KILLS_MS * Math.random());
  }
  guest.type('stop\n');
  const results = await guest.end();
  await server.stop();
  expectEqual('reads and writes that failed or differed', numberOf(results, 'mismatches'), 0);
  const total = rounds(results).reduce((sum, count) => sum + count, 0);
  return { kills: KILLS, 'verified MiB': total * CHUNK_MIB };
}

export const blockRestart = (backendOf: (settings: Settings) => BlockBackend, whose: string): Scenario => ({
  summary: `${whose} killed and started again ${KILLS} times while a guest reads and writes`,
  run: (scope, settings) => run(scope, backendOf(settings), false),
});

/** Most often a killed backend was between two requests. On a slow disk it never is. */
export const blockInflight = (backendOf: (settings: Settings) => BlockBackend, whose: string): Scenario => ({
  summary: `the same on a slow disk: ${whose} is killed in the middle of requests`,
  run: (scope, settings) => run(scope, backendOf(settings), true),
});
