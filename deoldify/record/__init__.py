"""What was done, for the record: a row for each photograph, in a report that is written as the work goes on.

In come outcomes of photographs, out come rows in a file that spreadsheets and programs read. ``row`` says what stands
in a row, ``report`` writes rows and reads them back, ``verifying`` tells which files have changed since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.record.report import SUFFIXES, Report, check_report, latest, read_report, take_down
    from deoldify.record.row import COLUMNS, Row, row_of, row_of_there, row_of_trouble
    from deoldify.record.verifying import Change, changes
else:
    __getattr__, __dir__ = handing_on(
        __name__,
        report=("SUFFIXES", "Report", "check_report", "latest", "read_report", "take_down"),
        row=("COLUMNS", "Row", "row_of", "row_of_there", "row_of_trouble"),
        verifying=("Change", "changes"),
    )

__all__ = [
    "COLUMNS",
    "SUFFIXES",
    "Change",
    "Report",
    "Row",
    "changes",
    "check_report",
    "latest",
    "read_report",
    "row_of",
    "row_of_there",
    "row_of_trouble",
    "take_down",
]
