/**
 * What a message can carry besides its bytes. Over a socket that is a descriptor of this process; between threads of
 * one process it is memory or a doorbell that the threads share. So both transports carry the same messages.
 */
import type { DoorbellHandle } from '../../doorbell/doorbell.ts';
import type { SharedMemory } from '../../memory/region.ts';

/** Whoever holds a handle owns it: a descriptor is closed by the one that received it. */
export type Handle =
  | { readonly kind: 'descriptor'; readonly descriptor: number }
  | { readonly kind: 'memory'; readonly memory: SharedMemory }
  | { readonly kind: 'doorbell'; readonly doorbell: DoorbellHandle };
