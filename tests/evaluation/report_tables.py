"""What the tests of the report share."""

from __future__ import annotations

from hyponet.evaluation.report.tables import Report, Table


def table_of(report: Report, key: str) -> Table:
    """The table of that key, which the report has."""
    (table,) = (table for table in report.tables if table.key == key)
    return table
