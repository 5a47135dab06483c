import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

import type { InputType, InputTypes, ObjectType } from "./input-types.ts";

const SDK = dirname(createRequire(import.meta.url).resolve("@pulumi/gcp/package.json"));

/** Reads the inputs of the given resources, by type token, from the declarations of `@pulumi/gcp`. */
export function extractTypes(tokens: readonly string[]): InputTypes {
  const shared = interfaces(parse("types/input.d.ts"));
  const types: Record<string, ObjectType> = {};
  const include = (name: string, declaration: ts.InterfaceDeclaration | undefined): void => {
    if (name in types) return;
    if (declaration === undefined) throw new Error(`@pulumi/gcp does not declare ${name}`);
    const required: Record<string, InputType> = {};
    const optional: Record<string, InputType> = {};
    types[name] = { required, optional };
    for (const member of declaration.members) {
      if (!ts.isPropertySignature(member) || member.type === undefined) continue;
      const into = member.questionToken === undefined ? required : optional;
      into[member.name.getText()] = inputType(member.type, (object) => {
        include(object, shared.get(object));
      });
    }
  };
  for (const token of tokens) {
    const [, file = "", className = ""] = token.split(":");
    include(token, interfaces(parse(`${file}.d.ts`)).get(`${className}Args`));
  }
  return types;
}

function parse(file: string): ts.SourceFile {
  // The token of projects/iammember.js has iAMMember.
  const path = [file, file.toLowerCase()].map((name) => join(SDK, name)).find(existsSync);
  const text = readFileSync(path ?? join(SDK, file), "utf8");
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

/** Interfaces by name, qualified by their namespaces. */
function interfaces(
  node: ts.Node,
  prefix = "",
  found = new Map<string, ts.InterfaceDeclaration>(),
): Map<string, ts.InterfaceDeclaration> {
  ts.forEachChild(node, (child) => {
    if (ts.isInterfaceDeclaration(child)) found.set(prefix + child.name.text, child);
    else if (ts.isModuleDeclaration(child))
      interfaces(child, `${prefix}${child.name.text}.`, found);
    else if (ts.isModuleBlock(child)) interfaces(child, prefix, found);
  });
  return found;
}

function inputType(node: ts.TypeNode, include: (object: string) => void): InputType {
  if (ts.isUnionTypeNode(node)) {
    const [first, ...others] = node.types.filter(
      (type) => type.kind !== ts.SyntaxKind.UndefinedKeyword,
    );
    // A union of a type and its enumeration accepts what the type accepts.
    return first !== undefined &&
      (others.length === 0 || first.kind === ts.SyntaxKind.StringKeyword)
      ? inputType(first, include)
      : "any";
  }
  if (ts.isArrayTypeNode(node)) return { list: inputType(node.elementType, include) };
  if (ts.isTypeLiteralNode(node)) {
    const [index] = node.members;
    if (index !== undefined && ts.isIndexSignatureDeclaration(index)) {
      return { map: inputType(index.type, include) };
    }
  }
  if (ts.isTypeReferenceNode(node)) {
    const name = node.typeName.getText();
    const [argument] = node.typeArguments ?? [];
    if (name === "pulumi.Input" && argument !== undefined) return inputType(argument, include);
    if (name.startsWith("inputs.")) {
      include(name.slice("inputs.".length));
      return { object: name.slice("inputs.".length) };
    }
  }
  if (node.kind === ts.SyntaxKind.StringKeyword) return "string";
  if (node.kind === ts.SyntaxKind.NumberKeyword) return "number";
  if (node.kind === ts.SyntaxKind.BooleanKeyword) return "boolean";
  return "any";
}
