/** struct msghdr (sendmsg(2)), in words: where what stands. Addresses and lengths have two. */
export const NAME = 0;
export const NAME_LENGTH = 2;
export const VECTOR = 4;
export const VECTOR_COUNT = 6;
export const CONTROL = 8;
export const CONTROL_LENGTH = 10;
