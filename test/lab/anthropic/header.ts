/** A header as it goes over the wire: name in its own case, and value. */
export type Header = readonly [name: string, value: string];
