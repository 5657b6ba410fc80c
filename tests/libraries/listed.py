"""All of them, and the names that are not run, with the reason."""

from .boosters import PEERS as BOOSTERS
from .forecasts import PEERS as FORECASTS
from .images import PEERS as IMAGES
from .language import PEERS as LANGUAGE
from .tensorflows import PEERS as TENSORFLOW
from .times import PEERS as TIMES

PEERS = {**BOOSTERS, **FORECASTS, **IMAGES, **LANGUAGE, **TENSORFLOW, **TIMES}

NOT_RUN: dict[str, str] = {}
