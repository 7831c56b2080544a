/** The statuses that `headers.success` is for, and how long a response may be kept. */
export function isSuccess(status: number): boolean {
  if (status < 300) return status === 200 || status === 201 || status === 204 || status === 206;
  return status <= 304 ? status > 300 : status === 307 || status === 308;
}
