import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { part } from "../parts/store.ts";

const SUITE = "trixie";

/** Packages that Google's Debian image also has and that the startup script relies on. */
const IMAGE_PACKAGES = ["ca-certificates", "curl", "e2fsprogs", "iproute2", "kmod", "procps"];

/** Packages that the startup script installs. apt finds them in its own archive, without a network. */
const ARCHIVED_PACKAGES = ["ipset", "jq", "nftables"];

/** Google's image also has unattended-upgrades; of that package this takes only what counts for a host: its setting of logind. */
const LOGIND_SETTING = `cd "$1/tmp" && chroot "$1" sh -c 'cd /tmp && apt-get -qq download unattended-upgrades' && dpkg-deb --fsys-tarfile unattended-upgrades_*.deb | tar -x -C "$1" ./usr/lib/systemd/logind.conf.d && rm unattended-upgrades_*.deb`;

/** A Debian root file system: what a host boots from the first time. */
export async function hostRootfs(): Promise<string> {
  const download = `chroot "$1" apt-get -qq --download-only --no-install-recommends --yes install ${ARCHIVED_PACKAGES.join(" ")}`;
  const dir = await part({
    name: "host-rootfs",
    inputs: [SUITE, ...IMAGE_PACKAGES, download, LOGIND_SETTING],
    async build(dir) {
      // mkdtemp's mode would become the mode of the machine's "/".
      await chmod(dir, 0o755);
      await promisify(execFile)(
        "mmdebstrap",
        [
          "--variant=minbase",
          // Keep apt's lists and archive for the startup script.
          "--skip=cleanup/apt",
          `--include=${IMAGE_PACKAGES.join(",")}`,
          `--customize-hook=${download}`,
          `--customize-hook=${LOGIND_SETTING}`,
          SUITE,
          join(dir, "root"),
        ],
        { maxBuffer: 1 << 26 },
      );
    },
  });
  return join(dir, "root");
}
