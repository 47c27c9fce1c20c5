"""`just bench`: every figure, one benchmark after the other on a machine that does nothing else."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHMARKS = (
    "engines",
    "ledger",
    "whoami",
    "uploads",
    "scan",
    "catalogue",
    "search",
    "similar",
    "similarity",
    "health",
    "recordings",
    "footprint",
    "music_accuracy",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(BENCHMARKS)} (default: all)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark called {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    failed = []
    for name in options.names or BENCHMARKS:
        print(f"\n== {name} ==", flush=True)
        if subprocess.run(
            [sys.executable, "-m", f"bench.{name}"], env=environment, cwd=HERE.parent, check=False
        ).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"ended with an error: {', '.join(failed)}")


if __name__ == "__main__":
    main()
