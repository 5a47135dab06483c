import { hostNameProblem } from "../../schema/fields.ts";

/** An OTLP receiver: an address outside, reached by TLS, or a Service in the cluster. */
export interface Collector {
  readonly host: string;
  readonly port: number;
  /** What precedes `/v1/logs` and `/v1/metrics`: empty, or a path without a slash at its end. */
  readonly path: string;
  /** The Service's namespace. Default: the receiver is outside the cluster. */
  readonly namespace?: string;
}

const SERVICE =
  /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?\.(?<namespace>[a-z]([-a-z0-9]{0,61}[a-z0-9])?)\.svc\.cluster\.local$/;

/** A name inside the cluster or the cloud's network. */
const INSIDE = /(^|\.)(local|svc|internal|localhost)$/;

const FORM =
  "write https://HOST[/PATH] for a receiver outside, or http://SERVICE.NAMESPACE.svc.cluster.local:PORT[/PATH] for one in the cluster";

/** Why an endpoint cannot be used; `undefined` when it can. */
export function collectorProblem(endpoint: string): string | undefined {
  const url = parsed(endpoint);
  if (url === undefined) return `is not a URL: ${FORM}`;
  if (url.username !== "" || url.password !== "")
    return "contains a credential: set it as a header: pulumi config set --secret --path telemetry.otlp.headers.authorization";
  if (url.search !== "" || url.hash !== "") return `has a query or a fragment: ${FORM}`;
  if (!/^(\/[A-Za-z0-9._~-]+)*\/?$/.test(url.pathname))
    return `has other characters than A-Z a-z 0-9 . _ ~ - in its path: ${FORM}`;
  if (/\/v1\/(logs|metrics|traces)\/?$/.test(url.pathname))
    return "ends with the path of one signal: write the base URL, to which the gateway appends /v1/logs and /v1/metrics";
  if (SERVICE.test(url.hostname)) {
    if (url.protocol !== "http:")
      return "is a Service in the cluster by https: a Service has no certificate of a system CA; use http";
    return url.port === "" ? `has no port: ${FORM}` : undefined;
  }
  if (INSIDE.test(url.hostname))
    return `is a name inside the cluster or the cloud's network, but not of a Service: ${FORM}`;
  if (url.protocol !== "https:")
    return "is http to a host outside the cluster, which anybody on the way could read: use https";
  if (url.port !== "") return "includes a port: only TCP 443 is opened to the outside; remove it";
  const problem = hostNameProblem(url.hostname);
  return problem === undefined ? undefined : `has a host that ${problem}`;
}

/** The receiver that a valid endpoint names. */
export function collectorOf(endpoint: string): Collector {
  const { hostname, port, pathname } = new URL(endpoint);
  const namespace = SERVICE.exec(hostname)?.groups?.namespace;
  return {
    host: hostname,
    port: namespace === undefined ? 443 : Number(port === "" ? 80 : port),
    path: pathname.replace(/\/$/, ""),
    ...(namespace !== undefined && { namespace }),
  };
}

function parsed(endpoint: string): URL | undefined {
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) return undefined;
  return new URL(endpoint);
}
