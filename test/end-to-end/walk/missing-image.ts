/** An image that nobody has. */
export const MISSING_IMAGE = "localhost/no-such-image:1.0.0";
