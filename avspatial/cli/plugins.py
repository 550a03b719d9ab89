"""List, show, check and create plugins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from avspatial.cli.options import AsJson
from avspatial.cli.table import columns, component_text, print_json, print_results
from avspatial.errors import PluginError, did_you_mean
from avspatial.plugin import KINDS
from avspatial.registry import Entry, Failure, Registry, discover

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, help=__doc__)


@app.command("list")
def list_plugins(
    kind: Annotated[str | None, typer.Option(help=f"Only this kind: {', '.join(KINDS)}.")] = None,
    as_json: AsJson = False,
) -> None:
    """List all components by kind.

    Plugins that failed to load, or that print or import torch while they are imported, are named on stderr.
    """
    if kind is not None and kind not in KINDS:
        raise PluginError(f"unknown kind {kind!r}{did_you_mean(kind, KINDS)}", fix=f"Kinds: {', '.join(KINDS)}.")
    registry = discover()
    registry.validate()
    entries = registry.entries(kind)
    if as_json:
        print_json(
            {
                "plugins": [plugin.to_dict() for plugin in registry.plugins],
                "components": [_facts(entry) for entry in entries],
                "failures": [_failure_facts(failure) for failure in registry.failures],
                "complaints": [_failure_facts(warning) for warning in registry.warnings],
            }
        )
        return
    lines = columns([(e.id, e.version, e.component.summary) for e in entries], indent="  ").splitlines()
    heading = ""
    for entry, line in zip(entries, lines, strict=True):
        if entry.kind != heading:
            heading = entry.kind
            print(heading)
        print(line)
    registry.report_failures()


@app.command("show")
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A plugin, or a component: `plugin.component` or its short form.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show a plugin or a component.

    A plugin with its components, or a component with its settings.
    """
    registry = discover()
    plugins = [plugin for plugin in registry.plugins if plugin.name == name]
    entries = [entry for entry in registry.entries() if name in (entry.id, entry.component.name)]
    if plugins:
        _show_plugin(registry, name, as_json)
    elif entries:
        # if none can be used, showing the first raises the reason
        _show_components(registry.validate(entries) or entries, as_json)
    else:
        raise _unknown(registry, name)
    registry.report_failures()


@app.command("new")
def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.")],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The plugin's name, in lower case; its component gets the same name.")
    ],
    into: Annotated[Path, typer.Option(metavar="DIR", help="Where to create the folder NAME.")] = Path(),
) -> None:
    """Create a working plugin.

    Five small files in the new folder NAME.
    """
    from avspatial.testing.scaffold import scaffold_plugin

    for path in scaffold_plugin(kind, name, into):
        print(path)
    print(f"Check it with: avspatial --plugins {into / name} plugins check {name}", file=sys.stderr)


@app.command("check")
def check(
    which: Annotated[
        str | None, typer.Argument(metavar="NAME|PATH", help="A plugin, a component or a folder [default: all].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the conformance checks of plugins.

    Declarations, imports (in a new process) and components; exit 1 if something fails.
    """
    from avspatial.testing.plugins import check_plugins

    results = []
    for result in check_plugins(which):
        results.append(result)
        if not as_json:
            print(result, flush=True)
    if print_results(results, as_json):
        raise typer.Exit(1)


def _show_plugin(registry: Registry, name: str, as_json: bool) -> None:
    entries = [entry for entry in registry.entries() if entry.plugin.name == name]
    plugins = [plugin for plugin in registry.plugins if plugin.name == name]
    if as_json:
        facts = [{**plugin.to_dict(), "file": plugin.file} for plugin in plugins]
        print_json({"plugins": facts, "components": [_facts(entry) for entry in entries]})
        return
    for plugin in plugins:
        rows = [("version", plugin.version), ("from", plugin.origin), ("file", plugin.file)]
        if plugin.observes_runs:
            rows.append(("watches", "runs (avspatial_record)"))
        print(f"{plugin.name}\n{columns(rows, indent='  ')}")
    if entries:
        print(columns([(e.kind, e.id, e.version, e.component.summary) for e in entries], indent="  "))


def _show_components(entries: list[Entry], as_json: bool) -> None:
    if as_json:
        print_json([{**_facts(e), "settings": e.describe()} for e in entries])
        return
    texts = []
    for entry in entries:
        rows = [("kind", entry.kind), ("version", entry.version), ("about", entry.component.summary)]
        rows += [("code", entry.component.target), ("file", entry.plugin.file)]
        texts.append(component_text(entry, rows))
    print("\n".join(texts))


def _facts(entry: Entry) -> dict[str, Any]:
    part = entry.component
    facts = {"id": entry.id, "kind": entry.kind, "version": entry.version, "summary": part.summary}
    return {**facts, "config": part.config, "target": part.target, "plugin": entry.plugin.name}


def _failure_facts(failure: Failure) -> dict[str, str]:
    return {name: getattr(failure, name) for name in ("plugin", "component", "origin", "reason")}


def _unknown(registry: Registry, name: str) -> PluginError:
    failed = [failure for failure in registry.failures if failure.plugin == name]
    if failed:
        return PluginError(failed[0].reason, where=f"plugin {name!r} ({failed[0].origin})", fix="Fix the plugin.")
    entries = registry.entries()
    names = {plugin.name for plugin in registry.plugins}
    names |= {entry.id for entry in entries} | {entry.component.name for entry in entries}
    return PluginError(
        f"there is no plugin or component {name!r}{did_you_mean(name, sorted(names))}",
        fix="`avspatial plugins list` lists them.",
    )
