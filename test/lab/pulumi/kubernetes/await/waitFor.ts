import type { PropertyValue } from "../../provider/values.ts";
import { isPropertyMap } from "../../provider/values.ts";
import {
  condition,
  generationOf,
  numberAt,
  objectsAt,
  textAt,
  type KubeObject,
} from "../object.ts";
import type { ReadinessRule, Verdict } from "./readiness.ts";

/**
 * The rule that a `pulumi.com/waitFor` annotation states: one expression or a JSON list of them, each
 * `condition=Type[=Status]` or `jsonpath={.path}[=value]`. Of JSONPath there are names, indexes and `[?(@.a=='b')]`.
 */
export function waitForRule(annotation: string): ReadinessRule {
  const conditions = expressions(annotation).map(parseExpression);
  return {
    onRead: false,
    timeoutMessage: () => "timed out waiting for the condition",
    evaluate({ object }) {
      const verdicts = conditions.map((holds) => holds(object));
      return verdicts.find((verdict) => !verdict.ready) ?? { ready: true };
    },
  };
}

function expressions(annotation: string): string[] {
  let list: string[] = [annotation];
  try {
    const parsed: unknown = JSON.parse(annotation);
    if (Array.isArray(parsed)) list = parsed.map(String);
  } catch {
    // Not JSON: the annotation is the one expression.
  }
  if (list.length === 0) throw new Error("at least one condition must be specified");
  return list;
}

function parseExpression(expression: string): (object: KubeObject) => Verdict {
  if (expression.startsWith("condition=")) {
    const [type = "", wanted = "True"] = expression.slice("condition=".length).split("=");
    return (object) => conditionHolds(object, type, wanted);
  }
  if (expression.startsWith("jsonpath="))
    return parseJsonPath(expression.slice("jsonpath=".length));
  throw new Error(
    `expected a "jsonpath=" or "condition=" prefix, got ${JSON.stringify(expression)}`,
  );
}

function conditionHolds(object: KubeObject, type: string, wanted: string): Verdict {
  if (objectsAt(object, "status", "conditions").length === 0) {
    return { ready: false, status: "Has no .status.conditions" };
  }
  const names = objectsAt(object, "status", "conditions").map((each) => textAt(each, "type"));
  const name = names.find((each) => each.toLowerCase() === type.toLowerCase());
  const found = name === undefined ? undefined : condition(object, name);
  if (!found) return { ready: false };
  const observed =
    numberAt(found, "observedGeneration") ?? numberAt(object, "status", "observedGeneration");
  if (observed !== undefined && observed < generationOf(object)) {
    return {
      ready: false,
      status: `Generation ${observed} is less than expected ${generationOf(object)}`,
    };
  }
  const status = textAt(found, "status");
  if (status.toLowerCase() === wanted.toLowerCase()) return { ready: true };
  return { ready: false, status: `Resource has condition ${type}=${status} (want ${wanted})` };
}

function parseJsonPath(expression: string): (object: KubeObject) => Verdict {
  const match = /^\{\s*\$?(.*?)\s*\}(?:=(.+))?$/s.exec(expression);
  if (!match) throw new Error(`${expression} should be wrapped in brackets { ... }`);
  const [, path = "", wanted] = match;
  const steps =
    path.match(/\.[\w-]+|\[\d+\]|\[\?\(@\.[\w.-]+\s*==\s*(?:'[^']*'|"[^"]*")\)\]/g) ?? [];
  if (path === "" || steps.join("") !== path) {
    throw new Error(
      `the lab's stand-in for the Kubernetes provider does not understand the JSONPath ${expression}`,
    );
  }
  return (object) => {
    const observed = numberAt(object, "status", "observedGeneration");
    if (observed !== undefined && observed < generationOf(object)) return { ready: false };
    const found = steps.reduce<PropertyValue | undefined>(follow, object);
    if (found === undefined) return { ready: false, status: `${path} selected nothing` };
    const text = typeof found === "string" ? found : JSON.stringify(found);
    if (wanted === undefined || text === wanted) return { ready: true };
    return { ready: false, status: `Waiting for ${expression} (found "${text}")` };
  };
}

function follow(value: PropertyValue | undefined, step: string): PropertyValue | undefined {
  if (step.startsWith(".")) return isPropertyMap(value) ? value[step.slice(1)] : undefined;
  if (!Array.isArray(value)) return undefined;
  const items = value as PropertyValue[];
  const filter = /@\.([\w.-]+)\s*==\s*['"]([^'"]*)['"]/.exec(step);
  if (!filter) return items[Number(step.slice(1, -1))];
  const [, field = "", wanted = ""] = filter;
  return items.find((item) => textAt(item, ...field.split(".")) === wanted);
}
