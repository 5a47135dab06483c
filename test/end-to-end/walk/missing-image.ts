/** An image that does not exist. */
export const MISSING_IMAGE = "localhost/no-such-image:1.0.0";
