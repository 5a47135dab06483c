import { DATA_DIR } from "./k3s-config.ts";

/**
 * systemd unit of k3s. It is never enabled: the startup script starts it at each boot, after all steps before it succeeded.
 * The unit itself refuses to start without the data disk or the node firewall.
 */
export function renderK3sUnit(firewall: string): string {
  return `[Unit]
Description=k3s
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStartPre=/usr/bin/mountpoint -q ${DATA_DIR}
ExecStartPre=/usr/sbin/nft -f ${firewall}
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s server
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
`;
}

/**
 * Limits the system's log, on the boot disk. journald's own limit is 10 % of the disk up to 4 GiB, more than the kubelet
 * keeps from pods for the system. https://www.freedesktop.org/software/systemd/man/latest/journald.conf.html
 */
export function renderJournalLimit(): string {
  return "[Journal]\nSystemMaxUse=512M\n";
}

/** systemd unit that waits until the metadata key names another release. */
export function renderWatchUnit(self: string): string {
  return `[Unit]
Description=claude-gateway: upgrades k3s when the metadata key changes
After=network-online.target

[Service]
ExecStart=${self} watch
StandardOutput=journal+console
StandardError=journal+console
Restart=always
RestartSec=10s
`;
}
