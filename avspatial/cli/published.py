"""`avspatial published`: the published tables, audited, and one's own results beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.cli.table import columns, print_json
from avspatial.errors import AvspatialError

if TYPE_CHECKING:
    from avspatial.evaluation.published.audit import AuditFinding, ClaimFinding
    from avspatial.evaluation.published.own_results import OwnResult
    from avspatial.evaluation.published.tables import PublishedTable

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def published(
    table: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="This table only; all by default. Repeatable.")
    ] = None,
    audit: Annotated[bool, typer.Option(help="Say which rows cannot come from one set of files, and why.")] = False,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            "--with", metavar="RUN_OR_EVALUATION", help="Set a run's or an evaluation's means beside. Repeatable."
        ),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Print the published tables; nothing in them was measured here."""
    from avspatial.evaluation.published.own_results import read_result
    from avspatial.evaluation.published.tables import chosen_tables

    if markdown and json:
        raise AvspatialError("--markdown and --json exclude each other", fix="Give one of them.")
    tables = chosen_tables(table or ())
    own = [read_result(path) for path in beside or ()]
    if json:
        print_json(_everything(tables, own, audited=audit))
        return
    parts = [_shown(each, own, markdown=markdown) for each in tables]
    if audit:
        parts.append(_audited(tables, markdown=markdown))
    print("\n\n".join(parts))


def _headings(table: PublishedTable) -> list[str]:
    from avspatial.evaluation.published.tables import published

    found = []
    for metric in table.decimals:
        column = published().columns[metric]
        unit = f" ({column.unit})" if column.unit else ""
        found.append(f"{column.label} {'↑' if column.higher_is_better else '↓'}{unit}")
    return found


def _cells(table: PublishedTable, values: Mapping[str, float]) -> list[str]:
    return [f"{values[m]:.{places}f}" if m in values else "-" for m, places in table.decimals.items()]


def _shown(table: PublishedTable, own: Sequence[OwnResult], *, markdown: bool) -> str:
    """Title, source, the rows, the user's rows with numbered marks, and what the marks say."""
    from avspatial.evaluation.published.own_results import differences

    rows = [["method", *_headings(table)]]
    rows += [[name, *_cells(table, values)] for name, values in table.rows.items()]
    rows += [[f"{each.name} [{mark}]", *_cells(table, each.means)] for mark, each in enumerate(own, 1)]
    notes = [f"[{mark}] yours, {each.path}: {'; '.join(differences(each, table))}." for mark, each in enumerate(own, 1)]
    said = [f"{table.source.cite} ({table.source.id}), {table.place}.", f"Not known: {', '.join(table.unknown)}."]
    title = f"{table.name}: {table.title}"
    if markdown:
        return "\n\n".join([f"## {title}", _markdown(rows), *said, *notes])
    return "\n".join([title, *(f"  {line}" for line in said), _aligned(rows), *(f"  {note}" for note in notes)])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [[row[0], *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))] for row in rows]
    return columns(right, indent="  ")


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def _audited(tables: Sequence[PublishedTable], *, markdown: bool) -> str:
    """Every row that is not simply consistent, the count of the rest, the claims, and the improvements recomputed."""
    from avspatial.evaluation.published.audit import CONSISTENT, audit, check_claims

    found = audit(tables)
    remarked = [finding for finding in found if finding.verdict != CONSISTENT]
    rows = [["table", "method", "verdict", "why"], *([f.table, f.row, f.verdict, f.text] for f in remarked)]
    head = f"{len(found)} checks of {len({(f.table, f.row) for f in found})} rows; {len(remarked)} give cause to doubt"
    claims = [_claimed(each) for each in check_claims(tables)]
    gains = _improvements(tables)
    limits = _limits(found)
    if markdown:
        parts = [f"## Audit\n\n{head}.", _markdown(rows) if remarked else "", limits]
        parts += [*(f"- {line}" for line in claims), _markdown(gains) if len(gains) > 1 else ""]
    else:
        parts = [f"Audit: {head}.", columns(rows, indent="  ") if remarked else "", limits and f"  {limits}"]
        parts += [*claims, _aligned(gains) if len(gains) > 1 else ""]
    return "\n\n".join(part for part in parts if part)


def _limits(found: Sequence[AuditFinding]) -> str:
    levels = [finding.value for finding in found if finding.check == "snr_to_wave"]
    if not levels:
        return ""
    return (
        f"SNR and Wave L2 together put the references of these rows at {min(levels):.1f} to {max(levels):.1f} dB or "
        "lower; that contradicts nothing. ENV is within what Wave L2 or STFT allow unless listed above."
    )


def _claimed(finding: ClaimFinding) -> str:
    verdict = "holds" if finding.holds else "does not hold"
    said = f"Claim ({finding.claim.source.id}): {finding.claim.text}: {verdict} by these tables."
    return " ".join([said, *(f"{note}." for note in finding.notes)])


def _improvements(tables: Sequence[PublishedTable]) -> list[list[str]]:
    """SAGM against each other method, recomputed from the printed means."""
    from avspatial.evaluation.published.audit import improvements
    from avspatial.evaluation.published.tables import published

    subjects = {claim.row for claim in published().claims}
    found: dict[str, dict[str, str]] = {}
    for table in tables:
        for each in (gain for subject in sorted(subjects) for gain in improvements(table, subject)):
            digits = 2 if published().columns[each.metric].unit == "dB" else 1
            pair = found.setdefault(f"{each.table}: {each.row} against {each.other}", {})
            pair[each.metric] = f"{each.gain:+.{digits}f}"
    metrics = [metric for metric in published().columns if any(metric in gains for gains in found.values())]
    labels = [published().columns[metric].label for metric in metrics]
    rows = [["recomputed: better than the other by (%, SNR in dB)", *labels]]
    return rows + [[pair, *(gains.get(metric, "-") for metric in metrics)] for pair, gains in found.items()]


def _everything(tables: Sequence[PublishedTable], own: Sequence[OwnResult], *, audited: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from avspatial.evaluation.published.audit import audit, check_claims, improvements
    from avspatial.evaluation.published.own_results import differences
    from avspatial.evaluation.published.tables import published

    data: dict[str, Any] = {
        "metrics": {name: asdict(column) for name, column in published().columns.items()},
        "tables": [asdict(each) for each in tables],
        "with": [
            asdict(each)
            | {"path": str(each.path), "differs": {table.name: differences(each, table) for table in tables}}
            for each in own
        ],
    }
    if audited:
        data["audit"] = {
            "findings": [asdict(finding) for finding in audit(tables)],
            "claims": [
                {"source": c.claim.source.id, "text": c.claim.text, "holds": c.holds, "notes": list(c.notes)}
                for c in check_claims(tables)
            ],
            "improvements": [
                asdict(gain)
                for row in sorted({claim.row for claim in published().claims})
                for each in tables
                for gain in improvements(each, row)
            ],
        }
    return data
