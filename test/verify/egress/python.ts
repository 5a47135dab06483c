/** Functions for attempts. Each raises an error unless it got an answer. */
const PRELUDE = `
import http.client, json, os, shutil, socket, ssl, struct, subprocess, threading, urllib.parse
SECONDS = 2
def tcp(address, port, seconds=SECONDS):
    return socket.create_connection((address, port), seconds)
def tls(address, port, name):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(tcp(address, port), server_hostname=name)
def reached(address, port):
    tcp(address, port).close()
    return f"connected to {address} port {port}"
def question(name, kind=1):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 1, 256, 1, 0, 0, 0) + labels + b"\\0" + struct.pack(">HH", kind, 1)
def udp(address, port, payload):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(SECONDS)
        s.connect((address, port))
        s.send(payload)
        return s.recv(4096)
def answered(answer, name):
    if len(answer) < 12: raise OSError(f"{name}: no answer")
    if answer[3] & 15 != 0 or answer[6:8] == b"\\0\\0":
        raise OSError(f"{name}: answered with code {answer[3] & 15} and no address")
    return f"{name}: answered with an address"
def resolve_udp(address, name, kind=1):
    return answered(udp(address, 53, question(name, kind)), name)
def resolve_tcp(address, name):
    with tcp(address, 53) as s:
        asked = question(name)
        s.sendall(struct.pack(">H", len(asked)) + asked)
        return answered(s.recv(4096)[2:], name)
def http_status(address, port, method, path, headers={}, body=None, host=None):
    connection = http.client.HTTPConnection(address, port, timeout=10)
    connection.request(method, path, body, {**({"Host": host} if host else {}), **headers})
    return connection.getresponse()
def https_message(address, headers, body):
    connection = http.client.HTTPConnection(address, 443, timeout=10)
    connection.sock = tls(address, 443, "api.anthropic.com")
    connection.request("POST", "/v1/messages", body, {"Host": "api.anthropic.com", "anthropic-version": "2023-06-01", "content-type": "application/json", **headers})
    return connection.getresponse()
def expect_ok(response):
    text = response.read(300).decode(errors="replace")
    if response.status >= 400:
        raise OSError(f"status {response.status}: {text}")
    return f"status {response.status}: {text}"
def curl(*args, env={}):
    if shutil.which("curl") is None: raise RuntimeError("curl is not installed")
    done = subprocess.run(["curl", "-sSk", "-m", "3", *args], capture_output=True, text=True, env={**os.environ, **env})
    if done.returncode != 0: raise OSError(done.stderr.strip())
    return "curl got an answer"
def ping(address):
    # A datagram socket, because a raw one needs a capability that agents do not have.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as s:
        s.settimeout(SECONDS)
        s.sendto(struct.pack(">BBHHH", 8, 0, 0, 1, 1), (address, 0))
        s.recv(100)
        return "echo reply"
`;

/** The result of a try, as the program prints it. */
export interface Said {
  readonly through: boolean;
  readonly said: string;
  /** The try itself failed: it was not blocked by anything. */
  readonly broken?: boolean;
}

/** A program that runs all tries at once and prints a list of {@link Said}. */
export function pythonProgram(bodies: readonly string[]): string {
  const functions = bodies.map((body, index) => `def try_${index}():\n    ${body}\n`);
  return `${PRELUDE}
${functions.join("")}
results = [None] * ${bodies.length}
def run(index):
    try:
        results[index] = {"through": True, "said": str(globals()[f"try_{index}"]())}
    except BaseException as error:
        held = isinstance(error, (OSError, http.client.HTTPException))
        results[index] = {"through": False, "broken": not held, "said": f"{type(error).__name__} {error}"}
threads = [threading.Thread(target=run, args=(index,)) for index in range(len(results))]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(results))
`;
}
