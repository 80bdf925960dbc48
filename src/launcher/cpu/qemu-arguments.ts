/** QEMU's command line for a guest whose devices are served by this process over vhost-user. Pure. */

/** What executes the guest's instructions. */
export const ACCELERATORS = {
  tcg: { summary: 'QEMU translates: everywhere, and slowly' },
  kvm: { summary: 'the processor itself: where /dev/kvm is there and works' },
} as const;
export type Accelerator = keyof typeof ACCELERATORS;

/** A device, and the socket at which it is served. */
export type QemuDevice =
  | { readonly kind: 'block'; readonly socket: string }
  | { readonly kind: 'net'; readonly socket: string; readonly mac: Uint8Array }
  | { readonly kind: 'entropy'; readonly socket: string };

export interface QemuMachine {
  readonly accelerator: Accelerator;
  /** MiB. */
  readonly memoryMb: number;
  /** Paths. */
  readonly kernel: string;
  readonly initrd: string | null;
  /** The kernel's. */
  readonly args: readonly string[];
  /** In the order of the bus. */
  readonly devices: readonly QemuDevice[];
  /** The socket to which it tells events. */
  readonly monitor: string;
}

/** A comma ends a value unless it comes twice. */
const value = (text: string): string => text.replaceAll(',', ',,');

const macText = (mac: Uint8Array): string => Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');

/** By kind: the arguments behind the socket's. */
const DEVICES: {
  [K in QemuDevice['kind']]: (index: number, device: Extract<QemuDevice, { kind: K }>) => readonly string[];
} = {
  block: (index) => ['-device', `vhost-user-blk-pci,chardev=char${index},num-queues=1`],
  net: (index, { mac }) => [
    ...['-netdev', `vhost-user,id=net${index},chardev=char${index},queues=1`],
    // No boot code, which would use the network before the kernel does. With MSI-X vectors QEMU 7.2 crashes under TCG.
    ...['-device', `virtio-net-pci,netdev=net${index},romfile=,vectors=0,mac=${macText(mac)}`],
  ],
  entropy: (index) => ['-device', `vhost-user-rng-pci,chardev=char${index}`],
};

/** No `reconnect` of the sockets: the backends live as long as QEMU, and its spelling differs between versions. */
function deviceArguments(device: QemuDevice, index: number): string[] {
  const more = DEVICES[device.kind] as (index: number, device: QemuDevice) => readonly string[];
  return ['-chardev', `socket,id=char${index},path=${value(device.socket)}`, ...more(index, device)];
}

/** The kernel is told where its console is, unless its arguments say so. */
const withConsole = (args: readonly string[]): readonly string[] =>
  args.some((word) => word.startsWith('console=')) ? args : ['console=ttyS0', ...args];

export function qemuArguments({
  accelerator,
  memoryMb,
  kernel,
  initrd,
  args,
  devices,
  monitor,
}: QemuMachine): string[] {
  return [
    ...['-accel', accelerator, '-machine', 'q35', '-cpu', 'max', '-m', `${memoryMb}M`],
    // The devices map the guest's memory: it must be a file that is shared.
    ...['-object', `memory-backend-memfd,id=mem,size=${memoryMb}M,share=on`, '-numa', 'node,memdev=mem'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // The monitor is there, too: Ctrl-C is then the guest's, and Ctrl-A X ends QEMU.
    ...['-serial', 'mon:stdio'],
    ...['-chardev', `socket,id=events,path=${value(monitor)}`, '-mon', 'chardev=events,mode=control'],
    ...['-kernel', kernel, ...(initrd === null ? [] : ['-initrd', initrd])],
    ...['-append', withConsole(args).join(' ')],
    ...devices.flatMap(deviceArguments),
  ];
}

/** For people, to be pasted into a shell. */
export const shellLine = (words: readonly string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
