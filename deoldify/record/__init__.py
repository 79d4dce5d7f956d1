"""What was done, for the record: a row for each photograph, in a report that is written as the work goes on.

In come outcomes of photographs, out come rows in a file that spreadsheets and programs read. ``row`` says what stands
in a row, ``report`` writes rows and reads them back, ``verifying`` tells which files have changed
since, and ``gallery`` shows before and after on a page; both grow by ``lines``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.record.gallery import Gallery
    from deoldify.record.report import SUFFIXES, Book, Report, check_report, latest, read_report, take_down
    from deoldify.record.row import COLUMNS, Row, row_of, row_of_there, row_of_trouble
    from deoldify.record.verifying import Change, changes
else:
    __getattr__, __dir__ = handing_on(
        __name__,
        gallery=("Gallery",),
        report=("SUFFIXES", "Book", "Report", "check_report", "latest", "read_report", "take_down"),
        row=("COLUMNS", "Row", "row_of", "row_of_there", "row_of_trouble"),
        verifying=("Change", "changes"),
    )

__all__ = [
    "COLUMNS",
    "SUFFIXES",
    "Book",
    "Change",
    "Gallery",
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
