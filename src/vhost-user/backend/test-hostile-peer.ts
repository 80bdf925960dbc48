/**
 * For tests: a frontend that has come as far as it likes by the rules, and then sends what it likes: odd descriptors,
 * wrong numbers, single bytes. It closes what it opens.
 */
import assert from 'node:assert/strict';
import { closeDescriptor } from '../../native/descriptors.ts';
import { addEventfd } from '../../native/eventfd.ts';
import { openMemfd } from '../../native/memfd.ts';
import { ODD_DESCRIPTORS, type OddDescriptorKind } from '../../native/odd-descriptors.ts';
import type { Handle } from '../messages/handle.ts';
import type { MemoryRegionDescription } from '../messages/payload.ts';
import { withoutLonely } from '../messages/protocol-features.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { file, TestFrontend, TestGuest } from './test-frontend.ts';
import { type ServedSocket, surviving } from './test-server.ts';

export const bit = (number: number) => 1n << BigInt(number);
export const FEATURES = bit(32) | bit(30);
export const LOG_ALL = bit(26);
export const REPLY_ACK = bit(3);
/** MQ, LOG_SHMFD, BACKEND_REQ, CONFIG, INFLIGHT_SHMFD, RESET_DEVICE, INBAND_NOTIFICATIONS, MEM_SLOTS, STATUS. */
export const PROTOCOL = [0, 1, 5, 9, 12, 13, 14, 15, 16].reduce((word, number) => word | bit(number), 0n);

/** How far a frontend has come, keeping every rule, before it does what it is here for. */
const STAGES = ['negotiated', 'with memory', 'with addresses', 'running'] as const;
export type Stage = (typeof STAGES)[number];

export class Peer {
  readonly frontend: TestFrontend;
  readonly socket: number;
  readonly guest = new TestGuest(2);
  private readonly opened: (() => void)[] = [];

  private readonly served: ServedSocket;

  constructor(served: ServedSocket) {
    this.served = served;
    this.socket = served.connect();
    this.frontend = new TestFrontend(new SocketChannel(this.socket));
  }

  async reach(stage: Stage, protocolFeatures: bigint): Promise<void> {
    const { frontend, guest } = this;
    const stages = STAGES.slice(0, STAGES.indexOf(stage) + 1);
    // A frontend without acknowledgements has no calls by message either.
    await frontend.tell({ request: 'SET_PROTOCOL_FEATURES', value: withoutLonely(protocolFeatures) });
    await frontend.tell({ request: 'SET_OWNER' });
    await frontend.tell({ request: 'SET_FEATURES', value: FEATURES });
    if (stages.includes('with memory')) await frontend.setMemory(guest);
    for (const index of [0, 1]) {
      const { size, addresses, kick, call, err } = guest.ring(index);
      const handle = { index, noDescriptor: false };
      if (stages.includes('with addresses')) {
        await frontend.tell({ request: 'SET_VRING_NUM', index, num: size });
        await frontend.tell({ request: 'SET_VRING_ADDR', index, flags: 0, ...addresses, log: 0n });
      }
      if (stages.includes('running')) {
        await frontend.tell({ request: 'SET_VRING_CALL', ...handle, handles: [file(call)] });
        await frontend.tell({ request: 'SET_VRING_ERR', ...handle, handles: [file(err)] });
        await frontend.tell({ request: 'SET_VRING_KICK', ...handle, handles: [file(kick)] });
        await frontend.tell({ request: 'SET_VRING_ENABLE', index, num: 1 });
      }
    }
    await this.synchronize();
    if (stage === 'running') await this.exchange(0);
  }

  /** All that was sent was taken. */
  async synchronize(): Promise<void> {
    assert.notEqual(await this.frontend.value({ request: 'GET_FEATURES' }), 0n);
  }

  exchange(index: number): Promise<void> {
    return this.guest.exchange(index, 0, 0x1234, () => addEventfd(this.guest.ring(index).kick));
  }

  /** The same guest over a new connection, which the caller closes. */
  again(): TestFrontend {
    return new TestFrontend(new SocketChannel(this.served.connect()));
  }

  /** A descriptor of another kind. */
  odd(kind: OddDescriptorKind): Handle {
    const { descriptor, close } = ODD_DESCRIPTORS[kind]();
    this.opened.push(close);
    return file(descriptor);
  }

  /** A file of so many bytes. */
  file(sizeBytes: number): Handle {
    const descriptor = openMemfd('hostile', sizeBytes);
    this.opened.push(() => closeDescriptor(descriptor));
    return file(descriptor);
  }

  memory(): Handle {
    return file(this.guest.memory);
  }

  region(change: Partial<MemoryRegionDescription> = {}): MemoryRegionDescription {
    return { ...this.guest.region, ...change };
  }

  close(): void {
    this.frontend.channel.close();
    this.guest.close();
    for (const close of this.opened) close();
  }
}

/** A hostile peer at a server, and the good one after it. */
export async function withPeer(served: ServedSocket, body: (peer: Peer) => Promise<void>): Promise<void> {
  await surviving(served, async () => {
    const peer = new Peer(served);
    try {
      await body(peer);
    } finally {
      peer.close();
    }
  });
}
