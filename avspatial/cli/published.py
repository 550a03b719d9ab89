"""Show published result tables, their audit, and your results next to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.cli.options import AsJson
from avspatial.cli.table import columns, print_json
from avspatial.errors import AvspatialError
from avspatial.report.parts.numbers import DIRECTION
from avspatial.text import counted, markdown_table

if TYPE_CHECKING:
    from avspatial.evaluation.published.audit import AuditFinding, ClaimFinding
    from avspatial.evaluation.published.own_results import OwnResult
    from avspatial.evaluation.published.tables import PublishedTable

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def published(
    names: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="NAME", help="Print this table only. Repeatable. [default: all]"),
    ] = None,
    audit: Annotated[bool, typer.Option(help="Check which rows are inconsistent, and why.")] = False,
    own: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="RUN_OR_EVALUATION", help="Add the means of a run or evaluation. Repeatable."),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the published tables; none of their numbers was measured by this project."""
    from avspatial.evaluation.published.own_results import read_result, refuse_incomparable
    from avspatial.evaluation.published.tables import chosen_tables

    if markdown and as_json:
        raise AvspatialError("--markdown and --json exclude each other", fix="Give one of them.")
    tables = chosen_tables(names or ())
    if own:
        refuse_incomparable(tables)
    results = [read_result(path) for path in own or ()]
    if as_json:
        print_json(_to_dict(tables, results, with_audit=audit))
        return
    parts = [_format_table(table, results, markdown=markdown) for table in tables]
    if audit:
        parts.append(_format_audit(tables, markdown=markdown))
    print("\n\n".join(parts))


def _headings(table: PublishedTable) -> list[str]:
    from avspatial.evaluation.published.tables import published

    headings = []
    for column in (published().columns[metric] for metric in table.decimals):
        unit = f" ({column.unit})" if column.unit else ""
        headings.append(f"{column.label} {DIRECTION[column.higher_is_better][0]}{unit}")
    return headings


def _cells(table: PublishedTable, values: Mapping[str, float]) -> list[str]:
    return [f"{values[m]:.{places}f}" if m in values else "-" for m, places in table.decimals.items()]


def _format_table(table: PublishedTable, results: Sequence[OwnResult], *, markdown: bool) -> str:
    """Title, source, the published rows, own rows with numbered marks, and a note for each mark.

    Own rows are left out where they cannot be compared, with the reason.
    """
    from avspatial.evaluation.published.own_results import differences

    rows = [["method", *_headings(table)]]
    rows += [[name, *_cells(table, values)] for name, values in table.rows.items()]
    marked = [] if table.incomparable else list(enumerate(results, 1))
    rows += [[f"{own.name} [{mark}]", *_cells(table, own.means)] for mark, own in marked]
    notes = [f"[{mark}] yours, {own.path}: {'; '.join(differences(own, table))}." for mark, own in marked]
    if table.incomparable and results:
        notes = [f"Yours cannot be compared with these: {table.incomparable}."]
    source = [f"{table.source.cite} ({table.source.id}), {table.place}.", f"Not known: {', '.join(table.unknown)}."]
    title = f"{table.name}: {table.title}"
    if markdown:
        return "\n\n".join([f"## {title}", _markdown(rows), *source, *notes])
    return "\n".join([title, *(f"  {line}" for line in source), _aligned(rows), *(f"  {note}" for note in notes)])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Align the first column left, the numbers right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [[row[0], *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))] for row in rows]
    return columns(right, indent="  ")


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    return markdown_table(rows, ["---", *["---:"] * (len(rows[0]) - 1)])


def _format_audit(tables: Sequence[PublishedTable], *, markdown: bool) -> str:
    """The doubtful rows, the number of checks, the claims, and the recomputed improvements."""
    from avspatial.evaluation.published.audit import CONSISTENT, audit, check_claims

    findings = audit(tables)
    doubtful = [finding for finding in findings if finding.verdict != CONSISTENT]
    rows = [["table", "method", "verdict", "why"], *([f.table, f.row, f.verdict, f.text] for f in doubtful)]
    checked = {(finding.table, finding.row) for finding in findings}
    head = f"{counted(len(findings), 'check')} of {counted(len(checked), 'row')}; {len(doubtful)} give reason to doubt"
    claims = [_format_claim(finding) for finding in check_claims(tables)]
    gains = _improvements(tables)
    limits = _format_levels(findings)
    if markdown:
        parts = [f"## Audit\n\n{head}.", _markdown(rows) if doubtful else "", limits]
        parts += [*(f"- {line}" for line in claims), _markdown(gains) if len(gains) > 1 else ""]
    else:
        parts = [f"Audit: {head}.", columns(rows, indent="  ") if doubtful else "", limits and f"  {limits}"]
        parts += [*claims, _aligned(gains) if len(gains) > 1 else ""]
    return "\n\n".join(part for part in parts if part)


def _format_levels(findings: Sequence[AuditFinding]) -> str:
    levels = [finding.value for finding in findings if finding.check == "snr_to_wave"]
    if not levels:
        return ""
    return (
        f"SNR and Wave L2 together imply references at {min(levels):.1f} to {max(levels):.1f} dB or lower; this "
        "contradicts nothing. ENV is within the limits from Wave L2 or STFT unless listed above."
    )


def _format_claim(finding: ClaimFinding) -> str:
    verdict = "holds" if finding.holds else "does not hold"
    text = f"Claim ({finding.claim.source.id}): {finding.claim.text}: {verdict} in these tables."
    return " ".join([text, *(f"{note}." for note in finding.notes)])


def _improvements(tables: Sequence[PublishedTable]) -> list[list[str]]:
    """The methods of the claims against each other method, recomputed from the printed means."""
    from avspatial.evaluation.published.audit import improvements
    from avspatial.evaluation.published.tables import published

    claimed = {claim.row for claim in published().claims}
    gains: dict[str, dict[str, str]] = {}
    for table in tables:
        for change in (change for row in sorted(claimed) for change in improvements(table, row)):
            digits = 2 if published().columns[change.metric].unit == "dB" else 1
            pair = gains.setdefault(f"{change.table}: {change.row} against {change.other}", {})
            pair[change.metric] = f"{change.gain:+.{digits}f}"
    metrics = [metric for metric in published().columns if any(metric in cells for cells in gains.values())]
    labels = [published().columns[metric].label for metric in metrics]
    rows = [["recomputed: better by (%, SNR in dB)", *labels]]
    return rows + [[pair, *(cells.get(metric, "-") for metric in metrics)] for pair, cells in gains.items()]


def _to_dict(tables: Sequence[PublishedTable], results: Sequence[OwnResult], *, with_audit: bool) -> dict[str, Any]:
    from avspatial.evaluation.published.audit import audit, check_claims, improvements
    from avspatial.evaluation.published.own_results import differences
    from avspatial.evaluation.published.tables import published

    data: dict[str, Any] = {
        "metrics": {name: asdict(column) for name, column in published().columns.items()},
        "tables": [asdict(table) for table in tables],
        "with": [
            asdict(own)
            | {
                "path": str(own.path),
                "differs": {table.name: differences(own, table) for table in tables if not table.incomparable},
            }
            for own in results
        ],
    }
    if with_audit:
        data["audit"] = {
            "findings": [asdict(finding) for finding in audit(tables)],
            "claims": [
                {"source": c.claim.source.id, "text": c.claim.text, "holds": c.holds, "notes": list(c.notes)}
                for c in check_claims(tables)
            ],
            "improvements": [
                asdict(change)
                for row in sorted({claim.row for claim in published().claims})
                for table in tables
                for change in improvements(table, row)
            ],
        }
    return data
