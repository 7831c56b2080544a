/** Statuses of gRPC by which a call may be tried again, as a configuration names them (gRPC's doc/statuscodes.md). */
export const GRPC_STATUSES = {
  'grpc-cancelled': 1,
  'grpc-unknown': 2,
  'grpc-deadline-exceeded': 4,
  'grpc-resource-exhausted': 8,
  'grpc-aborted': 10,
  'grpc-internal': 13,
  'grpc-unavailable': 14,
} as const;

/** Those of a list of reasons, as numbers. */
export function grpcStatusesOf(reasons: readonly (string | number)[]): readonly number[] {
  return Object.entries(GRPC_STATUSES).flatMap(([name, status]) => (reasons.includes(name) ? [status] : []));
}
