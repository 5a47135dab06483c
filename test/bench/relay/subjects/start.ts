import type { Progress } from "../../../lab/progress.ts";
import { direct } from "./direct.ts";
import { envoyBare } from "./envoy-bare.ts";
import { envoySni, envoyTerminate, envoyUnmetered } from "./envoy.ts";
import { apiBesideHosts, hostBehindEnvoy } from "./envoy-hosts.ts";
import { envoyBudgets } from "./envoy-budgets.ts";
import { litellm, shim } from "./litellm.ts";
import { portkey } from "./portkey.ts";
import type { Setting, Subject, SubjectName } from "./subject.ts";

/** Starts a subject and waits until it is ready. */
export async function startSubject(
  name: SubjectName,
  setting: Setting,
  progress: Progress,
): Promise<Subject> {
  switch (name) {
    case "direct":
      return direct(setting);
    case "envoy-bare":
      return envoyBare(setting);
    case "envoy-sni":
      return envoySni(setting);
    case "envoy":
      return envoyTerminate(setting);
    case "envoy-unmetered":
      return envoyUnmetered(setting);
    case "envoy-budgets":
      return envoyBudgets(setting, progress);
    case "litellm":
      return litellm(setting, progress);
    case "shim":
      return shim(setting, progress);
    case "shim-apart":
      return shim(setting, progress, { apart: true });
    case "portkey":
      return portkey(setting, progress);
    case "envoy-1-host":
      return apiBesideHosts(name, setting, 1);
    case "envoy-100-hosts":
      return apiBesideHosts(name, setting, 100);
    case "host-of-1":
      return hostBehindEnvoy(name, setting, 1);
    case "host-of-100":
      return hostBehindEnvoy(name, setting, 100);
  }
}
