"""zmm in gdb: `source zmm_gdb.py`, then `help zmm`. The program that includes <zmm/gdb.hpp> carries the same text."""
import os
import sys

if "__file__" in globals():  # false where the text is embedded
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from zmm_gdb.commands import register as register_commands
from zmm_gdb.printers import register as register_printers

register_commands()
register_printers()
