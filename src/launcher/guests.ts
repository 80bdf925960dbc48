/** The guests that come with the launcher, by the names they have on the command line. */

export interface ShippedGuest {
  readonly summary: string;
  /** URL of its module. */
  readonly entry: string;
}

const guest = (name: string, summary: string): [string, ShippedGuest] => [
  name,
  { summary, entry: new URL(`./guests/${name}.js`, import.meta.url).href },
];

export const GUESTS: Readonly<Record<string, ShippedGuest>> = Object.fromEntries([
  guest('hello', 'says what machine it is on'),
  guest('disk-check', 'writes patterns over the whole disk, reads them back, compares'),
  guest('net-echo', 'answers ARP, ICMP echo and UDP echo'),
  guest('monitor', 'a prompt: devices, memory, sectors, ping, halt'),
]);
