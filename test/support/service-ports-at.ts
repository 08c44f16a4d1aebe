/** What a Service manifest says about addresses, read here and not with the compiler's own reader. */
interface ServiceManifest {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly protocol?: string;
      readonly nodePort?: number;
    }[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

/** Where a packet is sent. Addresses are as the manifests write them. */
interface Destination {
  readonly destination: string;
  readonly protocol: string;
  readonly port: number;
}

/** The service ports, `namespace/name:port`, whose manifest names the destination, sorted. */
export function servicePortsAt(
  objects: readonly unknown[],
  { destination, protocol, port }: Destination,
  nodeAddresses: readonly string[],
  canonical: (address: string) => string | undefined,
): string[] {
  const services = objects.map((object) => object as ServiceManifest).filter(({ kind }) => kind === 'Service');
  return services
    .flatMap(({ metadata, spec, status }) => {
      const written = [
        ...(spec?.clusterIPs ?? []),
        spec?.clusterIP ?? '',
        ...(spec?.externalIPs ?? []),
        ...(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? ''),
      ];
      const isOwn = written.some((address) => canonical(address.trim()) === destination);
      const ports = (spec?.ports ?? []).filter(
        (one) =>
          (one.protocol || 'TCP').toLowerCase() === protocol &&
          ((isOwn && one.port === port) || (nodeAddresses.includes(destination) && one.nodePort === port)),
      );
      return ports.map(({ name }) => `${metadata?.namespace ?? 'default'}/${metadata?.name}${name ? `:${name}` : ''}`);
    })
    .sort();
}
