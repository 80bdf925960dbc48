/** Which CPUs the kernel may run the calling thread on. */
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  sched_setaffinity(thread: number, sizeBytes: number, mask: Uint8Array): number;
  sched_getaffinity(thread: number, sizeBytes: number, mask: Uint8Array): number;
}

const calls = lazyCalls<Calls>({
  sched_setaffinity: 'int sched_setaffinity(int thread, size_t size, void *mask)',
  sched_getaffinity: 'int sched_getaffinity(int thread, size_t size, void *mask)',
});

const CALLING_THREAD = 0;
/** cpu_set_t: a bit a CPU. */
const CPUS_MAX = 1024;

const mask = new Uint8Array(CPUS_MAX / 8);

/** In rising order. */
export function getAffinity(): number[] {
  if (calls().sched_getaffinity(CALLING_THREAD, mask.length, mask) < 0)
    throw systemError('sched_getaffinity', libc().errno());
  return Array.from({ length: CPUS_MAX }, (_, cpu) => cpu).filter((cpu) => mask[cpu >> 3]! & (1 << (cpu & 7)));
}

/** @throws SystemError EINVAL if the machine has none of them */
export function setAffinity(cpus: readonly number[]): void {
  mask.fill(0);
  for (const cpu of cpus) {
    if (!Number.isInteger(cpu) || cpu < 0 || cpu >= CPUS_MAX) throw new RangeError(`CPU ${cpu}: 0 to ${CPUS_MAX - 1}`);
    mask[cpu >> 3]! |= 1 << (cpu & 7);
  }
  if (calls().sched_setaffinity(CALLING_THREAD, mask.length, mask) < 0)
    throw systemError('sched_setaffinity', libc().errno(), `CPUs ${cpus.join(', ')}`);
}
