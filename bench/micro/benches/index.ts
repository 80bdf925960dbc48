/** The table of micro-benchmarks: a new one is a function and a line here; command line, help and tests read it. */
import type { MicroBench } from '../micro-bench.ts';
import { needEventBench } from './event.ts';
import { empty, fence, load, store } from './fields.ts';
import { notifyWithNobody, notifyWithWaiter } from './notify.ts';
import { pull4Bytes, pull4KiB } from './pull.ts';
import { addGetBuf, complete, getdesc } from './rings.ts';

export const BENCHES = {
  empty,
  load,
  store,
  fence,
  'notify-with-nobody': notifyWithNobody,
  'notify-with-waiter': notifyWithWaiter,
  'need-event': needEventBench,
  'add+getBuf': addGetBuf,
  getdesc,
  complete,
  'pull-4B': pull4Bytes,
  'pull-4KiB': pull4KiB,
} as const satisfies Record<string, MicroBench>;

export type BenchName = keyof typeof BENCHES;
