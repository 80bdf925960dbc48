/** A host half that tells other used lengths than it wrote: planted by tests between a loop and its queue. Host thread. */
import type { HeadQueue, HostQueue } from '../../../src/host/queue.ts';
import type { Report } from '../maker.ts';

/** Takes the place of every call by which `queue` gives a request back. One such call may be made of another. */
export function reportAs(queue: HostQueue | HeadQueue, report: Report): void {
  const { complete, completeDeferred } = queue;
  queue.complete = (request, writtenBytes) => complete.call(queue, request, report(writtenBytes));
  queue.completeDeferred = (request, writtenBytes) => completeDeferred.call(queue, request, report(writtenBytes));
  if (!('completeHead' in queue)) return;
  const { completeHead } = queue;
  queue.completeHead = (head, writtenBytes) => completeHead.call(queue, head, report(writtenBytes));
}
