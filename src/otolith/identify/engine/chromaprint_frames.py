"""The measures of a Chromaprint, for those who compare fingerprints and need not compute any."""

from typing import Final

VERSION: Final = 1
"""The version of the engine; only fingerprints of one version are compared with each other."""
RATE: Final = 11025
FRAME: Final = 4096
HOP: Final = FRAME // 3
