/** Which kernel modules a guest must insert, and in which order: from what each module says it depends on. Pure. */

/** What a module needs, by its own `.modinfo` section: `depends=a,b`. Names with underscores. */
export function dependenciesOf(module: Uint8Array): string[] {
  const match = /(?:^|\0)depends=([^\0]*)\0/.exec(Buffer.from(module).toString('latin1'));
  return (match?.[1] ?? '').split(',').filter((name) => name !== '');
}

/** A module's name is spelled with dashes in its file and with underscores everywhere else. */
export const moduleName = (file: string): string => file.replace(/\.ko$/, '').replaceAll('-', '_');

/** `wanted` and all that they need, each after what it needs. `needs` returns null for what is built into the kernel. */
export function insertionOrder(wanted: readonly string[], needs: (name: string) => readonly string[] | null): string[] {
  const order: string[] = [];
  const open = new Set<string>();
  const visit = (name: string) => {
    if (order.includes(name)) return;
    if (open.has(name)) throw new Error(`module ${name} depends on itself`);
    const more = needs(name);
    if (more === null) return;
    open.add(name);
    for (const other of more) visit(other);
    order.push(name);
  };
  for (const name of wanted) visit(name);
  return order;
}
