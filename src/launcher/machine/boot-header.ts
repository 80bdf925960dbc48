/**
 * Where fields of Linux's x86 boot protocol lie: in a bzImage from the start of the file, and in the boot parameters,
 * one page, from address 0.
 *
 *     0x1e8 e820_entries (8 bits)   0x1f1 setup_sects (8 bits)   0x202 header "HdrS"   0x206 version (16 bits)
 *     0x20e kernel_version (16 bits, from 0x200)   0x210 type_of_loader (8 bits)   0x211 loadflags (8 bits)
 *     0x214 code32_start   0x218 ramdisk_image   0x21c ramdisk_size   0x228 cmd_line_ptr   0x23c hardware_subarch
 *     0x2d0 e820_map: +0 address (64 bits)   +8 size (64 bits)   +16 type   20 bytes an entry
 */
export const BOOT_E820_ENTRIES = 0x1e8;
export const BOOT_SETUP_SECTS = 0x1f1;
export const BOOT_HEADER = 0x202;
export const BOOT_VERSION = 0x206;
export const BOOT_KERNEL_VERSION = 0x20e;
export const BOOT_TYPE_OF_LOADER = 0x210;
export const BOOT_LOADFLAGS = 0x211;
export const BOOT_CODE32_START = 0x214;
export const BOOT_RAMDISK_IMAGE = 0x218;
export const BOOT_RAMDISK_SIZE = 0x21c;
export const BOOT_CMD_LINE_PTR = 0x228;
export const BOOT_HARDWARE_SUBARCH = 0x23c;
export const BOOT_E820_MAP = 0x2d0;

/** A field of an e820 entry. */
export const E820_ADDRESS = 0;
export const E820_SIZE = 8;
export const E820_TYPE = 16;

/** All boot parameters, bytes. */
export const BOOT_PARAMETERS_SIZE = 4096;

export const BOOT_MAGIC = 'HdrS';
/** What `kernel_version` counts from, bytes. */
export const BOOT_KERNEL_VERSION_BASE = 0x200;
/** A sector of a bzImage, bytes. */
export const BOOT_SECTOR_SIZE = 512;
