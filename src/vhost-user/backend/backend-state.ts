/**
 * What a backend session has agreed on and holds: features, rings, areas, channels, and the handles of all of them.
 * The requests (`backend-requests.ts`) change it; it knows no message. In the session's thread.
 */

import { VIRTIO_ID_NET } from '../../formats/ids.ts';
import { VIRTIO_NET_F_MAC, VIRTIO_NET_F_MTU } from '../../formats/net.ts';
import {
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_VERSION_1,
  VIRTIO_RING_F_EVENT_IDX,
  VIRTIO_RING_F_INDIRECT_DESC,
} from '../../ring/constants.ts';
import { featureWord } from '../../ring/feature-word.ts';
import type { Channel } from '../messages/channel.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import type { RequestName } from '../messages/message.ts';
import {
  VHOST_F_LOG_ALL,
  VHOST_USER_F_PROTOCOL_FEATURES,
  VHOST_USER_PROTOCOL_F_BACKEND_REQ,
  VHOST_USER_PROTOCOL_F_CONFIG,
  VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
  VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS,
  VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD,
  VHOST_USER_PROTOCOL_F_LOG_SHMFD,
  VHOST_USER_PROTOCOL_F_MQ,
  VHOST_USER_PROTOCOL_F_NET_MTU,
  VHOST_USER_PROTOCOL_F_PAGEFAULT,
  VHOST_USER_PROTOCOL_F_RARP,
  VHOST_USER_PROTOCOL_F_REPLY_ACK,
  VHOST_USER_PROTOCOL_F_RESET_DEVICE,
  VHOST_USER_PROTOCOL_F_STATUS,
} from '../messages/protocol.ts';
import { lonelyFeatures, missingFeature, withoutLonely } from '../messages/protocol-features.ts';
import type { ServedDevice } from '../queues/queue-runner.ts';
import { BackendChannel } from './backend-channel.ts';
import type { BackendSessionOptions, Postcopy, SessionEvent, SessionHooks, SessionSystem } from './backend-options.ts';
import type { InflightShape } from './inflight-shape.ts';
import { MemoryTable } from './memory-table.ts';
import { hasBit, VringSet } from './vring-set.ts';
import type { VringState } from './vring-state.ts';

/** Device status [virtio-v1.2 §2.1]. */
const VIRTIO_CONFIG_S_NEEDS_RESET = 0x40;

/** Any layout of headers is legal with VERSION_1; of a legacy driver only with this. */
const VIRTIO_F_ANY_LAYOUT = 27;

/** What every device's queues can do. */
const RING_FEATURES = featureWord(
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_RING_F_INDIRECT_DESC,
  VIRTIO_RING_F_EVENT_IDX,
  VIRTIO_F_VERSION_1,
);
const VHOST_FEATURES = featureWord(VHOST_F_LOG_ALL, VHOST_USER_F_PROTOCOL_FEATURES);

/** Obeyed also where they are not offered: there are frontends that acknowledge them all the same. */
const TOLERATED_FEATURES = RING_FEATURES | VHOST_FEATURES | featureWord(VIRTIO_F_ANY_LAYOUT);

/** What may change while a ring runs: it does not shape rings. */
const LIVE_FEATURES = VHOST_FEATURES;

const ALWAYS = featureWord(
  VHOST_USER_PROTOCOL_F_MQ,
  VHOST_USER_PROTOCOL_F_LOG_SHMFD,
  VHOST_USER_PROTOCOL_F_REPLY_ACK,
  VHOST_USER_PROTOCOL_F_BACKEND_REQ,
  VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD,
  VHOST_USER_PROTOCOL_F_RESET_DEVICE,
  VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS,
  VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
  VHOST_USER_PROTOCOL_F_STATUS,
);

/** Frontends ask these before they have negotiated, or without: the answer says that there is nothing. */
const ANSWERED_ANYWAY: ReadonlySet<RequestName> = new Set(['GET_QUEUE_NUM', 'GET_CONFIG']);

/** What a network device can say of itself by its configuration space alone. */
const SAID_BY_NET_CONFIG = featureWord(VIRTIO_NET_F_MAC, VIRTIO_NET_F_MTU);

/**
 * True if the configuration space has something to say. The virtual machine makes a network card's space itself: QEMU
 * warns on every connection of a card that offers its own. So only one that was given an address or an MTU does.
 */
const tellsConfig = ({ id, features, config }: ServedDevice): boolean =>
  id === VIRTIO_ID_NET ? (features & SAID_BY_NET_CONFIG) !== 0n : config.length > 0;

export class BackendState {
  readonly device: ServedDevice;
  readonly hooks: SessionHooks;
  readonly system: SessionSystem;
  readonly rings: VringSet;
  protocolFeatures = 0n;
  /** SET_OWNER was said. */
  isOwned = false;
  postcopy: Postcopy | null = null;
  /** POSTCOPY_LISTEN was said. */
  listening = false;
  backend: BackendChannel | null = null;
  readonly channel: Channel;
  private readonly tell: (event: SessionEvent) => void;
  private deviceStatus = 0;
  /** That a ring is not tracked was told. */
  private toldUntracked = false;
  /** Of the request that is being handled: what was stored stays, the rest is given back. */
  private readonly kept = new Set<Handle>();
  private readonly lent: Handle[] = [];

  constructor({ channel, device, system, hooks = {}, report = () => {} }: BackendSessionOptions) {
    this.channel = channel;
    this.device = device;
    this.system = system;
    this.hooks = hooks;
    this.tell = report;
    this.rings = new VringSet({
      count: device.queueCount,
      runner: (index) => device.runner(index),
      inOrder: (index) => hooks.isInOrder?.(index) ?? false,
      context: {
        memory: MemoryTable.empty,
        features: 0n,
        log: null,
        logCall: null,
        inflight: null,
        byMessage: false,
      },
      broken: this.onBroken,
      called: ({ index }) => this.backend?.sendVring('BACKEND_VRING_CALL', index),
      untracked: this.onUntracked,
    });
  }

  report(event: SessionEvent): void {
    this.tell(event);
  }

  /** Stores a handle of the request that is being handled. */
  keep(handle: Handle): Handle {
    this.kept.add(handle);
    return handle;
  }

  /** A handle that goes out with the answer and is not ours afterwards. */
  lend(handle: Handle): Handle {
    this.lent.push(handle);
    return handle;
  }

  /** After a request and its answer: gives back what came with it and was not stored, and what was lent. */
  releaseUnkept(handles: readonly Handle[]): void {
    this.channel.release([...handles.filter((handle) => !this.kept.has(handle)), ...this.lent]);
    this.kept.clear();
    this.lent.length = 0;
  }

  release(...handles: (Handle | null | undefined)[]): void {
    this.channel.release(handles.filter((handle) => handle !== null && handle !== undefined));
  }

  get offeredFeatures(): bigint {
    const features = this.device.features | RING_FEATURES | VHOST_FEATURES;
    return this.hooks.offerFeatures?.(features) ?? features;
  }

  get offeredProtocolFeatures(): bigint {
    let features = ALWAYS;
    if (this.device.id === VIRTIO_ID_NET) {
      // Only what something does: a frontend that hears 0 believes that it was done.
      if (this.hooks.announce !== undefined || this.device.announce !== undefined)
        features |= featureWord(VHOST_USER_PROTOCOL_F_RARP);
      if (this.hooks.setMtu !== undefined || this.device.setMtu !== undefined)
        features |= featureWord(VHOST_USER_PROTOCOL_F_NET_MTU);
    }
    if (this.hooks.readConfig !== undefined || tellsConfig(this.device))
      features |= featureWord(VHOST_USER_PROTOCOL_F_CONFIG);
    // One thread's mappings are the ones that the frontend is told of, and that are guarded.
    if (this.system.openPostcopy !== null && this.device.oneThread)
      features |= featureWord(VHOST_USER_PROTOCOL_F_PAGEFAULT);
    // A frontend that acknowledges all that is offered must not be refused for it.
    return withoutLonely(this.hooks.offerProtocolFeatures?.(features) ?? features);
  }

  has(protocolFeature: number): boolean {
    return hasBit(this.protocolFeatures, protocolFeature);
  }

  /** @throws ProtocolError unless the feature that a request belongs to was negotiated */
  need(request: RequestName): void {
    const missing = missingFeature(request, this.protocolFeatures);
    if (missing !== null && !ANSWERED_ANYWAY.has(request))
      throw new ProtocolError('feature-not-negotiated', request, missing);
  }

  /** SET_FEATURES. @throws ProtocolError */
  async setFeatures(features: bigint, request: string): Promise<void> {
    const unknown = features & ~(this.offeredFeatures | TOLERATED_FEATURES);
    if (unknown !== 0n) throw new ProtocolError('feature-not-offered', request, unknown);
    const changed = features ^ this.rings.context.features;
    if (this.rings.anyStarted && (changed & ~LIVE_FEATURES) !== 0n)
      throw new ProtocolError('queue-running', request, changed);
    await this.rings.change({ features }, request);
    if (!this.rings.anyStarted) this.device.acknowledge(features);
    // Without PROTOCOL_FEATURES there is no SET_VRING_ENABLE: rings are enabled from the start.
    if (!hasBit(features, VHOST_USER_F_PROTOCOL_FEATURES)) {
      for (const ring of this.rings.rings) ring.enabled = null;
      await this.rings.settleAll(request);
    }
    this.hooks.featuresSet?.(features);
  }

  /** SET_PROTOCOL_FEATURES. @throws ProtocolError */
  async setProtocolFeatures(features: bigint, request: string): Promise<void> {
    const unknown = features & ~this.offeredProtocolFeatures;
    if (unknown !== 0n) throw new ProtocolError('feature-not-offered', request, unknown);
    const lonely = lonelyFeatures(features);
    if (lonely !== 0n) throw new ProtocolError('feature-alone', request, lonely);
    await this.rings.change({ byMessage: hasBit(features, VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS) }, request);
    this.protocolFeatures = features;
    this.hooks.protocolFeaturesSet?.(features);
  }

  get status(): number {
    return this.deviceStatus | (this.rings.anyBroken ? VIRTIO_CONFIG_S_NEEDS_RESET : 0);
  }

  /**
   * 0 resets the device: its rings stop. Where they stand is kept: QEMU 7.2 asks for that only afterwards, when it
   * stops a device that is to go on later or elsewhere.
   */
  async setStatus(status: number): Promise<void> {
    if (status === 0 && this.deviceStatus !== 0) await this.stopAll();
    this.deviceStatus = status;
  }

  /** GET_VRING_BASE: stops a ring. It can be started again as it is. */
  async stop(ring: VringState): Promise<void> {
    await this.rings.pause(ring);
    this.release(...ring.takeHandles('kick', 'call'));
    ring.broken = false;
    if (!ring.started) return;
    ring.started = false;
    this.hooks.queueStarted?.(ring.index, false);
  }

  private async stopAll(): Promise<void> {
    await this.rings.pauseAll();
    for (const ring of this.rings.rings) await this.stop(ring);
  }

  /** RESET_OWNER: no ring is enabled any more. */
  async disableAll(): Promise<void> {
    for (const ring of this.rings.rings) ring.enabled = false;
    await this.rings.pauseAll();
  }

  /** RESET_DEVICE: rings as they were at first, but for their err handles; memory, log and negotiation stay. */
  async reset(): Promise<void> {
    await this.stopAll();
    for (const ring of this.rings.rings) ring.reset('RESET_DEVICE');
    this.deviceStatus = 0;
    this.device.reset?.();
    this.hooks.reset?.();
  }

  /** The end: everything is stopped and given back. */
  async close(): Promise<void> {
    try {
      await this.rings.pauseAll();
    } catch (error) {
      this.tell({ kind: 'failed', what: 'stopping queues', error: error as Error });
    }
    this.device.reset?.();
    const { memory, log, logCall, inflight } = this.rings.context;
    for (const ring of this.rings.rings) this.release(...ring.takeHandles('kick', 'call', 'err'));
    this.release(...memory.regions.map(({ handle }) => handle), log?.handle, logCall, inflight?.handle);
    this.backend?.close();
    await this.endPostcopy();
  }

  /** POSTCOPY_END: the memory is as any other from now on. */
  async endPostcopy(): Promise<void> {
    const { postcopy } = this;
    this.postcopy = null;
    this.listening = false;
    await postcopy?.end();
  }

  private readonly onBroken = (ring: VringState, error: Error): void => {
    this.tell({ kind: 'queue-broken', index: ring.index, error });
    try {
      if (ring.err !== null) this.system.ring(ring.err);
      else if (this.rings.context.byMessage) this.backend?.sendVring('BACKEND_VRING_ERR', ring.index);
    } catch (cause) {
      this.tell({ kind: 'failed', what: `the err handle of queue ${ring.index}`, error: cause as Error });
    }
  };

  private readonly onUntracked = ({ index, size }: VringState, { queues, queueSize }: InflightShape): void => {
    if (this.toldUntracked) return;
    this.toldUntracked = true;
    this.tell({ kind: 'untracked', index, size, room: index < queues ? queueSize : 0 });
  };

  /** Where the frontend wants to know. */
  notifyConfigChange(): void {
    if (this.has(VHOST_USER_PROTOCOL_F_CONFIG)) this.backend?.sendConfigChange();
  }

  openBackendChannel(descriptor: number): void {
    this.backend?.close();
    this.backend = new BackendChannel(this.system.openChannel(descriptor), (error) => {
      this.backend = null;
      this.tell({ kind: 'failed', what: 'the backend channel', error });
    });
  }
}
