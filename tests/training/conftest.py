import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for `tiny_training`, which the tests' own processes import as well
