"""Make the embedded NAS-Bench-201 table: python scripts/embed_nb201.py nb201_dev.parquet [OUT].

The source has one row an architecture: its official index, its spelling, mean test accuracies after
200 epochs and after 12, in percent. Prints the checksum that `benchmarks/nb201.py` states.
"""

import hashlib
import sys
from pathlib import Path

import pandas as pd

COLUMNS = {
    "nb201_index": "index",
    "arch": "arch",
    "cifar10_test": "cifar10",
    "cifar100_test": "cifar100",
    "imagenet16_test": "imagenet16-120",
    "cifar10_test_12ep": "cifar10_12epochs",
}
OUT = Path(__file__).parent.parent / "src/gradalign/benchmarks/nb201.parquet"


def embed(source: Path, out: Path) -> str:
    """Write the compact table and return its SHA-256.

    Accuracies are rounded to 6 decimals: they are fractions of at most 10,000 images, and what lies
    below is rounding noise of the published means, which would break ties that are real.
    """
    table = pd.read_parquet(source, columns=list(COLUMNS)).rename(columns=COLUMNS)
    table = table.sort_values("index", ignore_index=True).round(6)
    table["index"] = table["index"].astype("int32")
    table.to_parquet(out, compression="zstd", compression_level=19, index=False)
    return hashlib.sha256(out.read_bytes()).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    target = Path(sys.argv[2]) if len(sys.argv) == 3 else OUT
    checksum = embed(Path(sys.argv[1]), target)
    sys.stdout.write(f"{target}: {target.stat().st_size} bytes, SHA-256 {checksum}\n")
