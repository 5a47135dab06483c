import { isDeepStrictEqual } from "node:util";
import type { DiffResult } from "../provider/provider.ts";
import {
  containsUnknown,
  reveal,
  type PropertyMap,
  type PropertyValue,
} from "../provider/values.ts";
import { activeCluster, parseKubeconfig } from "./kubeconfig.ts";

const LOCATORS = ["kubeconfig", "context", "cluster"];

/**
 * What a change of the provider's arguments does. To replace the provider is to replace everything under it: that
 * happens when the arguments come to mean another cluster, unless a `clusterIdentifier` stays as it was.
 */
export function diffConfig(olds: PropertyMap, news: PropertyMap): DiffResult {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)]);
  const diffs = [...keys].filter((key) => !isDeepStrictEqual(olds[key], news[key]));
  if (diffs.length === 0) return { changes: false, replaces: [] };
  const replaces: string[] = [];
  const [oldIdentifier, newIdentifier] = [olds.clusterIdentifier, news.clusterIdentifier];
  const identified = given(newIdentifier) && isDeepStrictEqual(oldIdentifier, newIdentifier);
  if (!identified) {
    if (given(oldIdentifier) && given(newIdentifier)) replaces.push("clusterIdentifier");
    // An unknown locator may turn out to mean anything.
    const unknown = LOCATORS.find((key) => news[key] !== undefined && containsUnknown(news[key]));
    if (unknown !== undefined) {
      return { changes: true, diffs: [unknown], replaces: [...replaces, unknown] };
    }
    const [before, after] = [clusterOf(olds), clusterOf(news)];
    if (before && after && !isDeepStrictEqual(before, after)) {
      replaces.push(...LOCATORS.filter((key) => diffs.includes(key)));
    }
  }
  return { changes: true, diffs, replaces };
}

function given(value: PropertyValue | undefined): boolean {
  return value !== undefined && value !== null;
}

/** All that tells one cluster from another: server, CA and the like; its name in the file does not. */
function clusterOf(config: PropertyMap): Record<string, unknown> | undefined {
  const { kubeconfig, context, cluster } = Object.fromEntries(
    LOCATORS.map((key) => [key, reveal(config[key] ?? null)]),
  );
  if (!given(kubeconfig)) return undefined;
  const content = typeof kubeconfig === "string" ? kubeconfig : JSON.stringify(kubeconfig);
  const active = activeCluster(parseKubeconfig(content), {
    context: typeof context === "string" ? context : undefined,
    cluster: typeof cluster === "string" ? cluster : undefined,
  });
  return active && { ...active, name: undefined };
}
