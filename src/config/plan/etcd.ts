/** An etcd cluster, and how it is reached. */
export interface EtcdPlan {
  /** URLs of its members, without a path. */
  readonly members: readonly string[];
  /** Paths of files. Null: what Node has. */
  readonly ca: string | null;
  readonly client: { readonly certificate: string; readonly privateKey: string } | null;
}
