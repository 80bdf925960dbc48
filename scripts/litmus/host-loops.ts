/** A host's loop that the benchmark does not have. */
import { type Loop, type LoopState, MUST_WAIT, REACHED } from '../../bench/workloads/loops.ts';
import type { HostWorkload } from '../../bench/workloads/workload.ts';
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import type { HostQueue, Request } from '../../src/host/queue.ts';

/** Completes several requests at once, and asks for each such batch whether to call. */
export class BatchingHostLoop implements Loop {
  done = 0;
  suppressed = 0;
  private unpublished = 0;
  private readonly queue: HostQueue;
  private readonly request: Request;
  private readonly workload: HostWorkload;
  private readonly bell: Doorbell;
  private readonly batch: number;

  constructor(queue: HostQueue, request: Request, workload: HostWorkload, bell: Doorbell, batch: number) {
    this.queue = queue;
    this.request = request;
    this.workload = workload;
    this.bell = bell;
    this.batch = batch;
  }

  advance(limit: number): LoopState {
    const { queue, request } = this;
    for (;;) {
      if (this.done < limit && this.unpublished < this.batch && queue.next(request)) {
        queue.completeDeferred(request, this.workload.serve(request));
        this.unpublished++;
        this.done++;
        continue;
      }
      if (this.unpublished !== 0) {
        this.unpublished = 0;
        queue.publish();
        if (queue.needsCall()) this.bell.ring();
        continue;
      }
      if (this.done === limit) return REACHED;
      if (queue.enableKicks()) return MUST_WAIT;
    }
  }

  woken(): void {
    this.queue.disableKicks();
  }

  hasWork(): boolean {
    return this.queue.hasAvailable();
  }

  dueInMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  pause(): void {}
}
