"""`make bench`: every bench_*.py beside this file, each row with its bar. Timings wobble: compare ratios within one run."""

import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table


def main(wanted: list[str]) -> None:
    console = Console()
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if wanted and name not in wanted:
            continue
        table = Table("what", "measured", "bar", title=name)
        with console.status(f"{name} …"):
            for row in import_module(f"tests.bench.{path.stem}").run():
                table.add_row(*row)
        console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
