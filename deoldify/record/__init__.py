"""What was done, for the record: a row for each photograph, in a report that is written as the work goes on.

In come outcomes of photographs, out come rows in a file that spreadsheets and programs read. ``row`` says what stands
in a row, ``report`` writes rows and reads them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.record.report import SUFFIXES, Report, check_report, read_report, take_down
    from deoldify.record.row import COLUMNS, Row, row_of, row_of_there, row_of_trouble
else:
    __getattr__, __dir__ = handing_on(
        __name__,
        report=("SUFFIXES", "Report", "check_report", "read_report", "take_down"),
        row=("COLUMNS", "Row", "row_of", "row_of_there", "row_of_trouble"),
    )

__all__ = [
    "COLUMNS",
    "SUFFIXES",
    "Report",
    "Row",
    "check_report",
    "read_report",
    "row_of",
    "row_of_there",
    "row_of_trouble",
    "take_down",
]
