/**
 * Signals, for a thread that runs no event loop. The engine tells of a signal in the main thread's loop alone: not as
 * long as that thread sleeps. The event library beneath (libuv, whose functions the program exports) catches each signal
 * for all loops that want it, so a loop of the thread's own has a descriptor that can be read once one has come.
 */
import { systemError } from './errors.ts';
import { functionWithoutEffect } from './interrupts.ts';
import { lazyCalls } from './libc.ts';

interface Calls {
  calloc(count: number, sizeBytes: number): number;
  free(address: number): void;
  uv_loop_size(): number;
  uv_handle_size(type: number): number;
  uv_loop_init(loop: number): number;
  uv_loop_close(loop: number): number;
  uv_backend_fd(loop: number): number;
  uv_run(loop: number, mode: number): number;
  uv_close(handle: number, callback: null): void;
  uv_signal_init(loop: number, handle: number): number;
  uv_signal_start(handle: number, callback: number, signal: number): number;
}

const calls = lazyCalls<Calls>({
  calloc: 'uint64_t calloc(uint64_t count, uint64_t size)',
  free: 'void free(uint64_t address)',
  uv_loop_size: 'uint64_t uv_loop_size()',
  uv_handle_size: 'uint64_t uv_handle_size(int type)',
  uv_loop_init: 'int uv_loop_init(uint64_t loop)',
  uv_loop_close: 'int uv_loop_close(uint64_t loop)',
  uv_backend_fd: 'int uv_backend_fd(uint64_t loop)',
  uv_run: 'int uv_run(uint64_t loop, int mode)',
  uv_close: 'void uv_close(uint64_t handle, void *callback)',
  uv_signal_init: 'int uv_signal_init(uint64_t loop, uint64_t handle)',
  uv_signal_start: 'int uv_signal_start(uint64_t handle, uint64_t callback, int signal)',
});

const UV_SIGNAL = 16;
const UV_RUN_NOWAIT = 2;
/** A handle whose signal has come meanwhile is closed in a later turn. */
const CLOSING_TURNS = 10;

function demand(call: keyof Calls, result: number): void {
  if (result < 0) throw systemError(call, -result);
}

/** Until it is closed, the signals do not end the process, whether the engine listens to them or not. */
export class CaughtSignals {
  /** Can be read once one of the signals has come. */
  readonly descriptor: number;
  private readonly loop: number;
  private readonly handles: number[] = [];
  private closed = false;

  /** Of this thread. @throws SystemError */
  constructor(signals: readonly number[]) {
    const { calloc, free, uv_loop_size, uv_loop_init, uv_backend_fd, uv_run } = calls();
    // The library has their addresses for as long as a handle is open: no memory of the engine, which may be collected.
    this.loop = calloc(1, uv_loop_size());
    const failed = uv_loop_init(this.loop);
    if (failed < 0) {
      free(this.loop);
      demand('uv_loop_init', failed);
    }
    try {
      for (const signal of signals) this.catch(signal);
      uv_run(this.loop, UV_RUN_NOWAIT);
      this.descriptor = uv_backend_fd(this.loop);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private catch(signal: number): void {
    const { calloc, free, uv_handle_size, uv_signal_init, uv_signal_start } = calls();
    const handle = calloc(1, uv_handle_size(UV_SIGNAL));
    const failed = uv_signal_init(this.loop, handle);
    if (failed < 0) {
      free(handle);
      demand('uv_signal_init', failed);
    }
    this.handles.push(handle);
    demand('uv_signal_start', uv_signal_start(handle, functionWithoutEffect(), signal));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { free, uv_close, uv_run, uv_loop_close } = calls();
    for (const handle of this.handles) uv_close(handle, null);
    for (let turn = 0; turn < CLOSING_TURNS; turn++) {
      uv_run(this.loop, UV_RUN_NOWAIT);
      if (uv_loop_close(this.loop) < 0) continue;
      for (const address of [...this.handles, this.loop]) free(address);
      return;
    }
  }
}
