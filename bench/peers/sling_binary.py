"""Becomes the Sling program of the installed package, which is neither marked as a program nor told where DuckDB's
extension is that it reads its own rows with."""

import os
import stat
import sys
from pathlib import Path

import duckdb_ext
import sling_linux_amd64

PROGRAM = Path(next(iter(sling_linux_amd64.__path__))) / "bin" / "sling-linux-amd64"
PROGRAM.chmod(PROGRAM.stat().st_mode | stat.S_IEXEC)
EXTENSIONS = Path(next(iter(duckdb_ext.__path__))) / "extensions"
(Path.home() / ".duckdb").mkdir()
(Path.home() / ".duckdb" / "extensions").symlink_to(EXTENSIONS)
os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])
