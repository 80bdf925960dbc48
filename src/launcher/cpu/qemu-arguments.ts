/** QEMU as the launcher's CPU: its command line. Devices are served by this process, over vhost-user. */

export interface QemuBlock {
  readonly kind: 'block';
  readonly socket: string;
}

export interface QemuNet {
  readonly kind: 'net';
  readonly socket: string;
  /** 6 bytes. */
  readonly mac: Uint8Array;
}

export interface QemuOptions {
  readonly memoryMb: number;
  readonly kernel: string;
  readonly initrd: string | null;
  /** The kernel's. Without a word on the console the kernel is told where it is. */
  readonly args: readonly string[];
  /** In command-line order. */
  readonly devices: readonly (QemuBlock | QemuNet)[];
}

export const QEMU = 'qemu-system-x86_64';

/** The guest's first serial port is QEMU's standard input and output. */
export function qemuArguments({ memoryMb, kernel, initrd, args, devices }: QemuOptions): string[] {
  const words = args.some((word) => word.startsWith('console=')) ? args : ['console=ttyS0', ...args];
  return [
    // Emulated: that runs on any machine, and the same everywhere.
    ...['-accel', 'tcg', '-machine', 'q35', '-cpu', 'max', '-m', `${memoryMb}M`],
    // The backends map the guest's memory: it must be a file that is shared.
    ...['-object', `memory-backend-memfd,id=mem,size=${memoryMb}M,share=on`, '-numa', 'node,memdev=mem'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // No signals: ^C is the guest's.
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-kernel', kernel, ...(initrd === null ? [] : ['-initrd', initrd]), '-append', words.join(' ')],
    ...devices.flatMap((device, i) => deviceArguments(device, i)),
  ];
}

function deviceArguments(device: QemuBlock | QemuNet, index: number): string[] {
  // A comma in a value is written twice.
  const chardev = ['-chardev', `socket,id=c${index},path=${device.socket.replaceAll(',', ',,')}`];
  if (device.kind === 'block') return [...chardev, '-device', `vhost-user-blk-pci,chardev=c${index},num-queues=1`];
  const mac = Array.from(device.mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
  return [
    ...chardev,
    ...['-netdev', `vhost-user,id=n${index},chardev=c${index},queues=1`],
    // Emulated, QEMU 7.2 does not survive MSI-X with vhost-user.
    ...['-device', `virtio-net-pci,netdev=n${index},mac=${mac},romfile=,vectors=0`],
  ];
}
