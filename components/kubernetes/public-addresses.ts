/**
 * Public addresses by family: a block and its exceptions. The exceptions are the ranges that the IANA registries call not
 * globally reachable, and 6to4's relay range. A VPC of Google Cloud can use all of them, even documentation ranges. The
 * IPv6 block is global unicast instead of `::/0`: for `::/0`, kube-router also allows unique local addresses and ignores
 * an exception as wide as `8000::/1`.
 */
export const publicAddresses = {
  v4: {
    cidr: "0.0.0.0/0",
    except: [
      "0.0.0.0/8",
      "10.0.0.0/8",
      "100.64.0.0/10",
      "127.0.0.0/8",
      "169.254.0.0/16",
      "172.16.0.0/12",
      "192.0.0.0/24",
      "192.0.2.0/24",
      "192.88.99.0/24",
      "192.168.0.0/16",
      "198.18.0.0/15",
      "198.51.100.0/24",
      "203.0.113.0/24",
      "224.0.0.0/3",
    ],
  },
  v6: {
    cidr: "2000::/3",
    except: ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"],
  },
} as const;

/** Ranges that are not public, by family. */
export const notPublic = {
  v4: publicAddresses.v4.except,
  // The first three are all but global unicast, for example link-local, unique local, multicast and NAT64 (a way to IPv4).
  v6: ["::/3", "4000::/2", "8000::/1", ...publicAddresses.v6.except],
} as const;
