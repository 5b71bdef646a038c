/** The software bill of materials: CycloneDX 1.6 in JSON, from the lock file and what is known of Bun. */
import { Enums, Models, Serialize, Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { v5 as uuidOf } from "uuid";
import type { BunParts } from "./bun.ts";
import { dependenciesOf, type LockedPackage, type LockFile, nameOf } from "./lock-file.ts";
import type { Part } from "./part.ts";

export interface Sbom {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly description: string;
  readonly lockFile: LockFile;
  /** Directories of the packages that are in the binaries, as the lock file names them. */
  readonly bundled: readonly string[];
  readonly bun: BunParts;
  /** SHA-256 of each binary, in hexadecimal. */
  readonly binaries: ReadonlyMap<string, string>;
}

/** Where the lock file has Bun. */
const bunDirectory = "node_modules/bun";

/**
 * The same bytes for the same materials: no time, and a serial number made from the rest.
 * @throws {Error} it is not as the schema wants it, or a bundled package is not in the lock file
 */
export async function sbomText(sbom: Sbom): Promise<string> {
  const missing = sbom.bundled.filter((directory) => !(directory in sbom.lockFile.packages));
  if (missing.length > 0) throw new Error(`package-lock.json does not know ${missing.join(", ")}: run npm install`);
  const bom = toBom(sbom);
  bom.serialNumber = `urn:uuid:${uuidOf(serialize(bom), uuidOf.URL)}`;
  const text = `${serialize(bom)}\n`;
  const faults = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (faults !== null) throw new Error(`the SBOM is not valid: ${JSON.stringify(faults)}`);
  return text;
}

function serialize(bom: Models.Bom): string {
  const normalizer = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return new Serialize.JsonSerializer(normalizer).serialize(bom, { sortLists: true, space: 2 });
}

function toBom({ name, version, licence, description, lockFile, bundled, bun, binaries }: Sbom): Models.Bom {
  const bom = new Models.Bom();
  const { Component } = Models;
  const root = new Component(Enums.ComponentType.Application, name, { bomRef: name, version, description });
  root.licenses.add(new Models.LicenseExpression(licence));
  for (const [file, sha256] of binaries) {
    const hashes = new Models.HashDictionary([[Enums.HashAlgorithm["SHA-256"], sha256]]);
    root.components.add(new Component(Enums.ComponentType.File, file, { bomRef: file, hashes }));
  }
  bom.metadata.component = root;

  const components = new Map([["", root]]);
  for (const [directory, locked] of Object.entries(lockFile.packages)) {
    if (directory === "") continue;
    const isInBinary = directory === bunDirectory || bundled.includes(directory);
    const component = toComponent(directory, locked, isInBinary);
    components.set(directory, component);
    bom.components.add(component);
  }
  for (const [directory, component] of components) {
    for (const needed of dependenciesOf(lockFile, directory)) {
      component.dependencies.add((components.get(needed) as Models.Component).bomRef);
    }
  }
  const runtime = components.get(bunDirectory);
  if (runtime) addParts(runtime, bun);
  return bom;
}

function toComponent(directory: string, { version, integrity, license }: LockedPackage, isInBinary: boolean) {
  const fullName = nameOf(directory);
  const [group, name] = fullName.startsWith("@") ? (fullName.split("/") as [string, string]) : [undefined, fullName];
  const type = directory === bunDirectory ? Enums.ComponentType.Platform : Enums.ComponentType.Library;
  const component = new Models.Component(type, name, {
    bomRef: directory,
    version,
    scope: isInBinary ? Enums.ComponentScope.Required : Enums.ComponentScope.Excluded,
    purl: `pkg:npm/${fullName.replace("@", "%40")}@${version}`,
    ...(group === undefined ? {} : { group }),
  });
  if (license !== undefined) component.licenses.add(new Models.LicenseExpression(license));
  const [algorithm, digest = ""] = integrity?.split("-") ?? [];
  if (algorithm === "sha512") {
    component.hashes.set(Enums.HashAlgorithm["SHA-512"], Buffer.from(digest, "base64").toString("hex"));
  }
  if (!isInBinary) component.properties.add(new Models.Property("cdx:npm:package:development", "true"));
  return component;
}

function addParts(runtime: Models.Component, { libraries, polyfills, crates }: BunParts): void {
  const add = (kind: string, parts: readonly Part[]) => {
    for (const { name, licence, version, copyright } of parts) {
      const component = new Models.Component(Enums.ComponentType.Library, name, {
        bomRef: `bun/${kind}/${name}`,
        scope: Enums.ComponentScope.Required,
        ...(version === undefined ? {} : { version }),
        ...(copyright?.length ? { copyright: copyright.join("\n") } : {}),
      });
      component.licenses.add(new Models.LicenseExpression(licence));
      runtime.components.add(component);
      runtime.dependencies.add(component.bomRef);
    }
  };
  add("library", libraries);
  add("npm", polyfills);
  add("crate", crates);
}
