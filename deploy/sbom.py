#!/usr/bin/env python3
"""Writes the bill of materials (CycloneDX 1.5) of the program for one target: `sbom.py TARGET FILE`. `make sbom` calls it.

cargo-cyclonedx lists the crates. It writes one file beside each manifest of the workspace, with the folders of the machine
in it; here the one of the program is kept, without them, so that the same commit gives the same bytes. What Cargo does not
know is added: the standard library of Rust, and the C library. The result must list every crate that the program links."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAME = "subaccountd-sbom"


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def linked(target):
    """The crates that the program links: `cargo tree` also follows what a procedural macro needs, which does no harm."""
    lines = output("cargo", "tree", "--package", "subaccountd", "--edges", "normal", "--prefix", "none", "--locked", "--target", target)
    return {tuple(line.replace(" v", " ").split()[:2]) for line in lines.splitlines() if line}


def described(target):
    """What cargo-cyclonedx says of the program."""
    manifest = ROOT / "crates/subaccountd/Cargo.toml"
    command = ["cargo", "cyclonedx", "--quiet", "--manifest-path", manifest, "--format", "json", "--spec-version", "1.5"]
    command += ["--no-build-deps", "--target", target, "--override-filename", NAME]
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct").strip()
    try:
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": epoch})
        return json.loads((manifest.parent / f"{NAME}.json").read_text())
    finally:
        for written in [*ROOT.glob(f"crates/*/{NAME}.json"), ROOT / f"xtask/{NAME}.json"]:
            written.unlink(missing_ok=True)


def without_folders(value):
    """The same value with references that do not depend on where the repository lies."""
    if isinstance(value, dict):
        return {key: without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_folders(inner) for inner in value]
    if isinstance(value, str):
        path, _, rest = value.replace(f"path+file://{ROOT}", "path+file:///src").partition("?download_url=file:")
        return path + ("#" + rest.partition("#")[2] if "#" in rest else "")
    return value


def runtime(name, version, licence, url):
    component = {"type": "library", "bom-ref": name, "name": name, "scope": "required", "licenses": [{"expression": licence}]}
    return {**component, "version": version, "externalReferences": [{"type": "vcs", "url": url}]}


def bill(target):
    bom = without_folders(described(target))
    rust = output("rustc", "--version").split()[1]
    libc = output("getconf", "GNU_LIBC_VERSION").split()[1]
    bom["components"] += [
        runtime("rust-std", rust, "MIT OR Apache-2.0", "https://github.com/rust-lang/rust"),
        runtime("glibc", libc, "LGPL-2.1-or-later", "https://sourceware.org/git/glibc.git"),
    ]
    program = bom["metadata"]["component"]
    of_program = next(entry for entry in bom["dependencies"] if entry["ref"] == program["bom-ref"])
    of_program["dependsOn"] += ["rust-std", "glibc"]
    bom["dependencies"] += [{"ref": "glibc"}, {"ref": "rust-std"}]
    listed = {(component["name"], component["version"]) for component in [program, *bom["components"]]}
    if missing := linked(target) - listed:
        sys.exit(f"deploy/sbom.py: the bill of materials lacks {sorted(missing)}")
    text = json.dumps(bom, indent=2, ensure_ascii=False) + "\n"
    if str(ROOT) in text:
        sys.exit(f"deploy/sbom.py: the bill of materials names the folder {ROOT}")
    return text


if __name__ == "__main__":
    target, path = sys.argv[1:]
    text = bill(target)
    pathlib.Path(path).write_text(text)
    print(f"deploy/sbom.py: {path} lists {len(json.loads(text)['components'])} components")
